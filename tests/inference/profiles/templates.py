"""How the templates of the real models end, and what they say of tools and of reasoning."""

EARLIER = "{%- if tools %}…{%- endif %}{{ '<think>' + message.reasoning_content + '</think>' }}"
BEGIN = "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}"
INSTRUCT = EARLIER + BEGIN + "{%- endif %}"
THINKING = EARLIER + BEGIN.replace("assistant\\n", "assistant\\n<think>\\n") + "{%- endif %}"
HYBRID = (
    EARLIER + BEGIN + "{%- if enable_thinking is defined and enable_thinking is false %}"
    "{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}"
)
KIMI = "{%- if tools -%}…{%- endif -%}{%- if add_generation_prompt -%}…{%- endif -%}"
