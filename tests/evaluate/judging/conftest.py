"""A chat model that says what a function of the prompt says."""

import pytest

from onward.generate.chat_model import ChatModel, Reply


class Scripted(ChatModel):
    name = "scripted"

    def __init__(self, say):
        self.say, self.asked = say, []

    def replies(self, messages, samplings):
        self.asked.append(list(messages))
        return [Reply(self.say(messages), "stop", 1, 1) for _ in samplings]

    def stream(self, messages, sampling):
        yield self.replies(messages, [sampling])[0].text

    def score(self, prompt, continuation):
        raise NotImplementedError


@pytest.fixture
def scripted():
    return Scripted
