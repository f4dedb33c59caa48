"""A text to measure perplexity on: plain English prose on ordinary matters, written for this purpose."""

PASSAGE = """\
The ferry left at seven, when the harbour was still grey and the gulls had the quay to themselves. On board were
a baker who had sold her shop, two brothers carrying a wardrobe, and a schoolteacher with a box of frogs. Nobody
asked about the frogs. On an island one learns early that questions come back.

Bread was the reason most people remembered the baker. She used to say that dough has no patience for people who
have none: it wants warmth, then time, then a hot oven, in that order, and it punishes whoever tries to change
the order. A loaf of rye takes a day from flour to table. Most of that day is spent waiting, which is why bakers
read so many newspapers.

Water behaves strangely near its freezing point. Most liquids shrink steadily as they cool, but water is densest
at about four degrees above freezing, so the coldest water in a winter lake floats at the top and turns to ice
there, while fish live on in the slightly warmer water below. Were ice heavier than water, lakes would freeze
from the bottom up and hold few fish.

The brothers argued about the wardrobe. The older one had measured the door of the new house and was sure that
it would pass; the younger one had measured the wardrobe and was sure that it would not. Both had measured
correctly. The door was wide enough, but the hallway behind it turned left after a step, and a wardrobe does not
turn left. In the end they took off the back, carried the pieces in one by one, and put them together again in a
room where the wardrobe has stood ever since.

A good map leaves things out. It shows the road and not each stone of it, because a map that showed everything
would be as large as the country and no easier to read. What to leave out depends on who is travelling: a sailor
wants the depth of the water and cares little for the height of the hills, while a walker wants the hills and
trusts that the sea will stay where it is.

In the evening the teacher let the frogs go beside the pond. She had counted twelve in the morning and counted
eleven now, and somewhere on the ferry, among ropes and lifejackets, a small green passenger was on its way back
to the mainland.
"""
