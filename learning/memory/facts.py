"""What people tell each other that may be asked later: facts, plans, tastes and open questions.

A fact is a form: how it is said, what may be asked of it, and the answer, which each way of saying
it has in it. Slots are filled once, so what is asked agrees with what was said. `{speaker}` is
whoever said it; a capital letter in a slot's name asks for one in the text. `updates` says the same
thing anew with other words in `changing`: from then on the older turn no longer answers.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """`asked` is how often the fact is asked about, from 0 to 1: details are asked less."""

    said: tuple[str, ...]
    question: str
    answer: str
    updates: tuple[str, ...] = ()
    changing: tuple[str, ...] = ()
    asked: float = 1.0


FACTS: tuple[Fact, ...] = (
    Fact(
        (
            "I went to {event} {past} and it was {manner}.",
            "{Past} I was at {event}. It was {manner}!",
        ),
        "When did {speaker} go to {event}?",
        "{past}",
    ),
    Fact(
        (
            "I took my {relative} to {event} in {city} {past}.",
            "My {relative} came to {event} in {city} with me {past}.",
        ),
        "Whom did {speaker} take to {event} in {city}?",
        "{relative}",
    ),
    Fact(
        (
            "I just bought {thing}; it cost me {price} dollars.",
            "Guess what, I got {thing} {past} for {price} dollars.",
        ),
        "How much did {speaker} pay for {thing}?",
        "{price} dollars",
    ),
    Fact(
        ("I got a job as {job} {past}!", "I've been working as {job} since {past}."),
        "What is {speaker}'s job?",
        "{job}",
        updates=("I changed jobs: I'm {job} now.", "I left my old work {past} and became {job}."),
        changing=("job", "past"),
    ),
    Fact(
        (
            "I quit my job {past} and I'm opening a {shop}.",
            "I want to be my own boss, so I'm starting a {shop}.",
        ),
        "What kind of business is {speaker} starting?",
        "{shop}",
        updates=("Change of plan: it won't be that, I'm going for a {shop}.",),
        changing=("shop",),
    ),
    Fact(
        ("My {relative} moved to {city} {past}.", "{Past} my {relative} left for {city}."),
        "Where does {speaker}'s {relative} live?",
        "{city}",
        updates=("My {relative} has moved again, to {city} this time.",),
        changing=("city", "past"),
    ),
    Fact(
        (
            "We adopted a {animal} {past} and named it {pet}.",
            "Meet {pet}, the {animal} that we took in {past}.",
        ),
        "What is the name of {speaker}'s {animal}?",
        "{pet}",
    ),
    Fact(
        (
            "{pet} got out {past}; {name} found it at {place}.",
            "Our {animal} ran off {past} and turned up at {place}.",
        ),
        "Where was {speaker}'s lost pet found?",
        "{place}",
    ),
    Fact(
        (
            "I've been doing {hobby} for {count} years now.",
            "It's {count} years since I took up {hobby}.",
        ),
        "How long has {speaker} been doing {hobby}?",
        "{count} years",
    ),
    Fact(
        (
            "I started {hobby} {past} to deal with stress.",
            "{Hobby} is what keeps me sane since {past}.",
        ),
        "What does {speaker} do against stress?",
        "{hobby}",
    ),
    Fact(
        (
            "I'm allergic to {allergen}, so I have to be careful.",
            "Turns out I have an allergy to {allergen}.",
        ),
        "What is {speaker} allergic to?",
        "{allergen}",
    ),
    Fact(
        (
            "The doctor told me {past} that I have {illness}.",
            "I was diagnosed with {illness} {past}.",
        ),
        "What was {speaker} diagnosed with?",
        "{illness}",
    ),
    Fact(
        (
            "My favourite dish is {food}; my {relative} taught me how to make it.",
            "Nothing beats {food}, the way my {relative} makes it.",
        ),
        "What is {speaker}'s favourite dish?",
        "{food}",
        updates=("I used to say otherwise, but {food} is my favourite now.",),
        changing=("food",),
    ),
    Fact(
        ("I grew up in {city} before my family moved here.", "I'm from {city}, originally."),
        "Where did {speaker} grow up?",
        "{city}",
    ),
    Fact(
        (
            "I won first prize at {event} {past}!",
            "They gave me first prize at {event} {past}, can you believe it?",
        ),
        "At what did {speaker} win first prize?",
        "{event}",
    ),
    Fact(
        (
            "I finished {book} {past}, and it changed how I see things.",
            "{name} lent me {book} and I loved it.",
        ),
        "What did {speaker} read?",
        "{book}",
    ),
    Fact(
        ("I painted {art} {past} after a trip to {city}.", "My newest painting shows {art}."),
        "What did {speaker} paint?",
        "{art}",
    ),
    Fact(
        (
            "{name} and I are planning a trip to {city} {future}.",
            "We fly to {city} {future}, just {name} and me.",
        ),
        "Where is {speaker} going with {name}?",
        "{city}",
        updates=("The trip with {name} has changed, we're going to {city} instead.",),
        changing=("city",),
    ),
    Fact(
        ("I'm going to {event} {future}.", "I signed up for {event}; it's {future}."),
        "When is {speaker} going to {event}?",
        "{future}",
        updates=("They moved {event}: it's {future} now.",),
        changing=("future",),
    ),
    Fact(
        (
            "I've applied for a course in {subject} and it starts {future}.",
            "I'm going back to school for {subject}.",
        ),
        "What is {speaker} going to study?",
        "{subject}",
        updates=("I dropped that course; it will be {subject}.",),
        changing=("subject",),
    ),
    Fact(
        (
            "My dream is to open a {shop} in {city} one day.",
            "One day I'll have a {shop} in {city}, you'll see.",
        ),
        "What does {speaker} dream of?",
        "a {shop} in {city}",
    ),
    Fact(
        (
            "I can't stand {food}; it reminds me of school.",
            "Please, anything but {food}. I can't eat it.",
        ),
        "What food does {speaker} dislike?",
        "{food}",
    ),
    Fact(
        (
            "I usually go for {hobby} on Saturdays with {name}.",
            "Saturdays are for {hobby} with {name}.",
        ),
        "With whom does {speaker} go for {hobby}?",
        "{name}",
    ),
    Fact(
        (
            "My {relative} gave me {thing} for my birthday.",
            "Look what I got from my {relative}: {thing}!",
        ),
        "What did {speaker}'s {relative} give away?",
        "{thing}",
    ),
    Fact(
        (
            "We got married {count} years ago in {city}.",
            "Our wedding was in {city}, {count} years ago.",
        ),
        "Where did {speaker} get married?",
        "{city}",
    ),
    Fact(
        ("{name} and I broke up {past}.", "It's over between {name} and me since {past}."),
        "With whom did {speaker} break up?",
        "{name}",
    ),
    Fact(
        (
            "I have {count} children, and the youngest is called {name}.",
            "My youngest is {name}, out of {count}.",
        ),
        "What is {speaker}'s youngest child called?",
        "{name}",
    ),
    Fact(
        (
            "I ran {distance} kilometres {past}, my longest so far.",
            "New record: {distance} kilometres {past}!",
        ),
        "What is the longest that {speaker} ran?",
        "{distance} kilometres",
        updates=("Beat my own record: {distance} kilometres {past}.",),
        changing=("distance", "past"),
    ),
    Fact(
        (
            "I volunteered at {place} {past} and met {name} there.",
            "I help out at {place} now; {name} showed me around.",
        ),
        "Where does {speaker} volunteer?",
        "{place}",
    ),
    Fact(
        ("My {relative} {name} works as {job}.", "{name}, my {relative}, is {job}."),
        "What does {speaker}'s {relative} {name} do?",
        "{job}",
    ),
    Fact(
        (
            "I sold {count} of my pictures at {event} {past}.",
            "People bought {count} of my pictures {past}!",
        ),
        "How many pictures did {speaker} sell?",
        "{count}",
    ),
    Fact(
        ("I learned to make {food} {past} from {name}.", "{name} taught me {food} {past}."),
        "Who taught {speaker} to make {food}?",
        "{name}",
    ),
    Fact(
        (
            "I wrote a {piece} about my {relative}, and it was accepted {past}.",
            "My {piece} got accepted {past}!",
        ),
        "What did {speaker} write?",
        "{piece}",
    ),
    Fact(
        ("I've decided to move to {city} {future}.", "I'm leaving for {city} {future}, for good."),
        "Where is {speaker} moving to?",
        "{city}",
        updates=("Not there after all: I'm moving to {city}.",),
        changing=("city",),
    ),
    Fact(
        ("Our {shop} opens {future}, at last.", "Opening day of the {shop} is {future}."),
        "When does {speaker}'s {shop} open?",
        "{future}",
        updates=("The opening of the {shop} is put off to {future}.",),
        changing=("future",),
    ),
    Fact(
        (
            "I got a tattoo of a {sight} {past} for my {relative}.",
            "The {sight} on my arm is for my {relative}.",
        ),
        "What does {speaker}'s tattoo show?",
        "{sight}",
    ),
    Fact(
        (
            "My new phone number ends in {digits}.",
            "Write this down: the code of my door is {digits}{score}.",
        ),
        "What are the digits that {speaker} gave?",
        "{digits}",
    ),
    Fact(
        (
            "I teach {hobby} to {count} kids at {place} every week.",
            "There are {count} kids in my {hobby} class.",
        ),
        "How many kids does {speaker} teach?",
        "{count}",
    ),
    Fact(
        (
            "I had an accident {past}: my {relative} drove me to the hospital.",
            "I fell off my bike {past}, and my {relative} took me to the hospital.",
        ),
        "Who took {speaker} to the hospital?",
        "{relative}",
    ),
    Fact(
        (
            "I raised {price} dollars for {cause} {past}.",
            "We collected {price} dollars for {cause}.",
        ),
        "For what did {speaker} raise money?",
        "{cause}",
    ),
    Fact(
        (
            "I scored {score} points {past}, my best ever.",
            "{score} points {past}! That's my best game yet.",
        ),
        "How many points did {speaker} score?",
        "{score}",
        updates=("I did it again: {score} points {past}, better than before.",),
        changing=("score", "past"),
    ),
    Fact(
        (
            "We signed the lease for a flat near {place} {past}.",
            "Our new flat is right by {place}.",
        ),
        "Near what is {speaker}'s flat?",
        "{place}",
    ),
    Fact(
        (
            "I'm learning {language} because my {relative} speaks it.",
            "I've started on {language}; my {relative} laughs at my accent.",
        ),
        "Which language is {speaker} learning?",
        "{language}",
    ),
    Fact(
        ("I grow {plant} on the balcony since {past}.", "My {plant} are finally coming up."),
        "What does {speaker} grow?",
        "{plant}",
    ),
    Fact(
        ("I painted the kitchen {colour}.", "The kitchen is {colour} now; {name} chose it."),
        "What colour is {speaker}'s kitchen?",
        "{colour}",
        updates=("I couldn't stand that colour: the kitchen is {colour} now.",),
        changing=("colour",),
    ),
    Fact(
        (
            "I play the {instrument} in a band with {name}.",
            "{name} and I have a band; I'm on {instrument}.",
        ),
        "What does {speaker} play?",
        "{instrument}",
    ),
    Fact(
        ("Please answer me in short sentences from now on.", "Keep it short when you answer me."),
        "How does {speaker} like to be answered?",
        "short",
    ),
    Fact(
        (
            "I'd rather have lists than long paragraphs.",
            "Use lists when you tell me things, always.",
        ),
        "In which form does {speaker} like to be told things?",
        "lists",
    ),
    Fact(
        (
            "Remind me to call my {relative} {future}, will you?",
            "I have to call my {relative} soon.",
        ),
        "Whom does {speaker} have to call?",
        "{relative}",
    ),
    Fact(
        (
            "I still have to find out when {event} begins.",
            "Do you know when {event} begins? I must ask.",
        ),
        "What does {speaker} still want to know?",
        "{event}",
    ),
    Fact(
        (
            "I lost my keys {past} on the way to {place}.",
            "My wallet was stolen near {place} {past}.",
        ),
        "Where did {speaker} lose something?",
        "{place}",
    ),
    Fact(
        (
            "{name} and I visited {place} {past}, and we saw a {sight}.",
            "We saw a {sight} at {place} {past}.",
        ),
        "What did {speaker} see at {place}?",
        "{sight}",
    ),
)

# Said on top of something else, and asked about now and then.
DETAILS: tuple[Fact, ...] = tuple(
    Fact((said,), question, answer, asked=0.4)
    for said, question, answer in (
        ("It took me {count} weeks to finish.", "How long did {speaker} need?", "{count} weeks"),
        ("{name} helped me with it the whole time.", "Who helped {speaker}?", "{name}"),
        ("It was {manner}, with about {score} people.", "How many people came?", "{score}"),
        (
            "I chose it because my {relative} always loved the sea.",
            "Why did {speaker} choose it?",
            "{relative}",
        ),
        ("It reminds me of growing up in {city}.", "What does it remind {speaker} of?", "{city}"),
        ("I felt {feeling} afterwards.", "How did {speaker} feel afterwards?", "{feeling}"),
        ("It was at {place}.", "Where was it?", "{place}"),
        ("We stayed for {count} days.", "How long did {speaker} stay?", "{count} days"),
        (
            "I learned that patience matters more than talent.",
            "What did {speaker} learn?",
            "patience",
        ),
        ("My {relative} came along too.", "Who came along with {speaker}?", "{relative}"),
        (
            "The best part was meeting {name}, who plays the {instrument}.",
            "Whom did {speaker} meet?",
            "{name}",
        ),
        ("I made it for my {relative}.", "For whom did {speaker} make it?", "{relative}"),
        ("{name} said it was the best thing in years.", "Who liked what {speaker} did?", "{name}"),
    )
)
