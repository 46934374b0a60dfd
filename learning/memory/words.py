"""What the dialogues of our own making are about: names, places, things, and what people just say.

Everything here was written for Danas; nothing was taken from a data set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("\n", "|").split("|") if part.strip())


PEOPLE = _listed(
    "Ana|Marco|Priya|Tomas|Lena|Omar|Grace|Felix|Noor|Ivan|Chloe|Dev|Mina|Paolo|Ruth|Sami|"
    "Aisha|Bea|Carla|Diego|Esme|Farid|Gwen|Hana|Jun|Kofi|Lucia|Mateo|Nadia|Oscar|Petra|"
    "Quinn|Rosa|Stefan|Tala|Uma|Viktor|Wes|Yuki|Zara"
)

# What a `{slot}` of a fact may say.
SLOTS: Mapping[str, Sequence[str]] = {
    "name": PEOPLE,
    "pet": _listed(
        "Pepper|Biscuit|Luna|Moss|Ziggy|Hazel|Toffee|Rufus|Pixel|Olive|Waffles|Shadow|Kiko"
    ),
    "animal": _listed("dog|cat|rabbit|parrot|kitten|puppy|turtle|hamster|pony|goldfish"),
    "city": _listed(
        "Lisbon|Cebu|Denver|Oslo|Manila|Kyoto|Austin|Porto|Hanoi|Lyon|Quebec|Tallinn|Cusco|"
        "Galway|Nairobi|Davao|Seville|Bergen|Accra|Leipzig"
    ),
    "place": _listed(
        "the old library|the community centre|a bakery downtown|the harbour|"
        "a campsite by the lake|the science museum|my aunt's farm|a small theatre|"
        "the botanical garden|a climbing gym|the night market|a mountain hut"
    ),
    "hobby": _listed(
        "pottery|watercolour painting|rock climbing|salsa dancing|bird watching|"
        "baking sourdough|playing the cello|chess|woodworking|long-distance running|"
        "film photography|kayaking|knitting|stargazing|gardening|archery|stand-up comedy|"
        "restoring old radios|choir singing|orienteering"
    ),
    "job": _listed(
        "a nurse at the children's hospital|a junior architect|a bus driver|a sous-chef|"
        "a data analyst|a primary school teacher|a freelance illustrator|a park ranger|"
        "a sound engineer|a translator|a veterinary assistant|a store manager|a paramedic|"
        "a lighting technician"
    ),
    "shop": _listed(
        "dance studio|coffee shop|bookshop|repair café|pottery studio|flower shop|food truck|"
        "recording studio|online clothing store|bike workshop"
    ),
    "food": _listed(
        "chicken adobo|ramen|lentil soup|pineapple curry|blueberry pie|empanadas|"
        "buckwheat pancakes|mango sticky rice|grilled sardines|carrot cake|dumplings|chili|"
        "halo-halo|shakshuka"
    ),
    "allergen": _listed("peanuts|shellfish|strawberries|penicillin|cats|pollen|sesame|wasps"),
    "illness": _listed(
        "asthma|migraines|a torn ligament|lactose intolerance|type 1 diabetes|insomnia|"
        "high blood pressure|a slipped disc"
    ),
    "relative": _listed(
        "sister|brother|grandmother|cousin|partner|best friend|roommate|mother|father|uncle|"
        "daughter|son|neighbour"
    ),
    "book": _listed(
        "a book about coral reefs|a crime novel set in Iceland|a biography of Marie Curie|"
        "a fantasy trilogy|a cookbook from the seventies|a collection of Neruda's poems|"
        "a history of salt"
    ),
    "thing": _listed(
        "a second-hand bicycle|a standing desk|a film camera|a blue kayak|an electric guitar|"
        "a telescope|a sewing machine|a road bike|a little red car|a set of chisels|"
        "an espresso machine"
    ),
    "event": _listed(
        "a charity run|a poetry reading|a job interview|a pottery fair|a friend's wedding|"
        "a music festival|a coding workshop|a chess tournament|an art show|a beach clean-up|"
        "a cooking class|a support group meeting|a photo exhibition|a school reunion|"
        "a town hall meeting"
    ),
    "past": _listed(
        "yesterday|last Friday|last week|two weeks ago|on Sunday|last month|this morning|"
        "three days ago|last summer|in April|on the 14th of June|back in 2019|a few years ago|"
        "over the weekend|in August|on my birthday"
    ),
    "future": _listed(
        "next month|tomorrow|next Saturday|in two weeks|this summer|on the 3rd of May|"
        "next year|this weekend|in September|on Thursday"
    ),
    "count": _listed("two|three|four|five|six|seven|eight|ten|twelve|fifteen|20|25|30|40"),
    "price": _listed("45|80|120|150|240|300|420|650|1,200"),
    "score": _listed("17|21|34|48|62|88|104"),
    "digits": _listed("07|19|23|31|46|58|64|72|85|93"),
    "distance": _listed("5|8|12|15|21|30|42|60"),
    "feeling": _listed(
        "so proud|nervous|relieved|tired but happy|really moved|a bit sad|over the moon|"
        "calmer than in months|more confident|grateful"
    ),
    "manner": _listed(
        "amazing|harder than I thought|really moving|a lot of fun|a disaster|so peaceful|"
        "unforgettable|pretty crowded"
    ),
    "art": _listed(
        "a sunset over the sea|a forest path|my grandmother's hands|a lighthouse|two horses|"
        "a bowl of lemons|the view from our roof"
    ),
    "instrument": _listed("violin|drums|clarinet|guitar|piano|ukulele|trumpet"),
    "language": _listed("Portuguese|Tagalog|Arabic|Japanese|Swahili|Norwegian|Basque"),
    "cause": _listed(
        "the animal shelter|homeless families|the school library|cancer research|the fire brigade"
    ),
    "piece": _listed("poem|short story|screenplay|article|thesis|song|grant application"),
    "subject": _listed(
        "marine biology|graphic design|nursing|law|game development|ceramics|social work"
    ),
    "plant": _listed("tomatoes|sunflowers|basil|an avocado tree|orchids|chillies"),
    "colour": _listed("teal|mustard yellow|dark green|lilac|brick red|navy"),
    "sight": _listed("lighthouse|heron|waterfall|castle|rainbow|old tram"),
}

OPENINGS = _listed(
    "Hey {other}! How have you been?|Hi {other}! Long time no talk!|"
    "Hey! Good to see you. What's up?|Hi there! How's everything going?|"
    "Hey {other}, how's it going? It's been a while.|Good to hear from you, {other}!|"
    "Hey {other}! What's new?|Morning, {other}! Got a minute?|Hello again, {other}."
)
CLOSINGS = _listed(
    "Thanks for the chat, {other}. Talk soon!|Take care!|See you later, {other}!|"
    "Bye, have a great day!|Catch you later!|It was great talking. Bye!|"
    "I'd better get going. Talk to you soon!|Looking forward to it. See you!|"
    "Good night, {other}!"
)
REACTIONS = _listed(
    "Wow, that's amazing!|That's awesome!|That sounds great!|"
    "Oh no, I'm sorry to hear that.|That's really cool.|Congrats!|"
    "Congratulations, you deserve it!|Sounds like fun!|I'm so happy for you!|"
    "That must have been tough.|Nice one!|Good for you!|That's so inspiring.|"
    "Glad to hear it!|How lovely.|Wow, I love that!|That's wonderful news!|"
    "I totally get that.|Absolutely, I agree.|Yeah, that makes sense.|Thanks so much!|"
    "Thank you, that means a lot.|Haha, true.|You're right about that.|"
    "Thanks for the support, {other}!|Aw, thank you!|Cool, thanks for sharing that.|"
    "Wow, {other}, that's incredible!|No way!|Great idea!|Definitely!|I know, right?|"
    "Yeah, it was great.|That looks fantastic!|So glad it helped!|Appreciate it!|"
    "Ouch, that hurts.|Hm, I hadn't thought of that.|Fair enough.|Okay, that's hilarious."
)
QUESTIONS = _listed(
    "How did it go?|What made you decide that?|What's next for you?|"
    "How long have you been doing that?|How are you feeling about it?|"
    "What else is new with you?|Any plans for the weekend?|What do you like most about it?|"
    "How did you get into it?|Do you have any tips?|What was it like?|How's the family?|"
    "Did you take any pictures?|What inspired you?|How do you stay motivated?|"
    "Is there anything I can do to help?|When are you doing it again?|"
    "Have you tried anything like that before?|What kind of things do you do there?|"
    "How do you find the time?|What's been keeping you busy?|Who went with you?|"
    "What are you looking forward to?|Got any advice for me?|Was it worth it?|"
    "And how are you, {other}?"
)
COMFORTS = _listed(
    "Keep at it, you're doing great.|You've got this!|"
    "I'm sure it will work out in the end.|Just believe in yourself and keep going.|"
    "It's all about enjoying the small things.|Taking breaks is so important.|"
    "Hard work really pays off.|It's great to have people who support you.|"
    "Friends like you make all the difference.|Music always lifts the mood, doesn't it?|"
    "Nature has a way of calming us down.|Never give up on your dreams.|"
    "It's never too late to start something new.|Let me know how it goes.|"
    "I'm always here if you want to talk.|Good luck with everything!|"
    "Sometimes a little push is all we need.|That kind of thing brings people together.|"
    "Being creative is such a good way to let go of stress.|Life is full of surprises.|"
    "One step at a time.|Every bit counts.|I can imagine how that felt.|"
    "You should be proud of how far you've come.|It's good to look after yourself.|"
    "That's what makes it special.|Small steps get you there too.|"
    "People often forget how much that helps.|A change of scene can do wonders.|"
    "You never know until you try."
)
CAPTIONS = _listed(
    "a photo of a {animal} on a sofa|a photo of a plate of {food}|a painting of {art}|"
    "a photo of people at {place}|a photo of a {sight} at sunset|"
    "a photo of a handmade bowl|a photo of a street in {city}|a photo of a medal|"
    "a photo of a notebook full of drawings|a photo of {thing} in a hallway"
)
