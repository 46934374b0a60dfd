"""Few-shot image classification: a vision-language model that says a class's name, tuned with
LoRA, against logistic regression on frozen features of the picture.

`python -m learning.recipes.few_shot_images --help`; docs/recipes.md has what came out.

After the experiment with which Thinking Machines announced vision in Tinker (Qwen3-VL-235B against
DINOv2, one to sixteen examples a class).
"""
