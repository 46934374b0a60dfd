"""What can go wrong while the assistant learns.

LearningError
├── AnswerUnknown        a judgement on an answer that was never handed over, or on another's
├── ParticipantUnknown   nobody has this number, or not any more
├── UpdateRunning        an update is under way; a retry can help, later
├── RewardUnavailable    the reward worker did not answer in time; a retry can help
├── NobodyReads          nothing can tell what is worth remembering; recency has to do
├── NothingToLearnFrom   no consenting answer, or nobody has judged one yet
├── NotReady             an alarm is open, or the reward model is too weak to learn from
├── CheckpointInvalid    an adapter's folder lacks weights, or holds other weights than ours
├── PicturesMissing      a prompt's tokens and its pictures do not belong together
├── LonelySample         a reply without siblings cannot be compared with anything
├── TrainingDiverged     loss or gradient are no finite numbers any more
└── LeaseLost            another learner has taken this update over
"""

from __future__ import annotations


class LearningError(Exception):
    """Root. `code` is stable and may be shown and stored; the text is for a person."""

    code = "learning_error"
    can_retry = False


class AnswerUnknown(LearningError):
    code = "answer_unknown"


class ParticipantUnknown(LearningError):
    code = "participant_unknown"


class UpdateRunning(LearningError):
    code = "update_running"
    can_retry = True


class NobodyReads(LearningError):
    code = "nobody_reads"
    can_retry = True


class RewardUnavailable(LearningError):
    code = "reward_unavailable"
    can_retry = True


class NothingToLearnFrom(LearningError):
    code = "nothing_to_learn_from"


class NotReady(LearningError):
    code = "not_ready"


class CheckpointInvalid(LearningError):
    code = "checkpoint_invalid"


class PicturesMissing(LearningError):
    code = "pictures_missing"


class LonelySample(LearningError, ValueError):
    code = "lonely_sample"


class TrainingDiverged(LearningError):
    code = "training_diverged"


class LeaseLost(LearningError):
    code = "lease_lost"
