#include "tunewright/eval/forgetting/general_set.h"

namespace tunewright::eval {
namespace {

constexpr GeneralText kTexts[] = {
    {"science",
     "Water expands when it freezes, which is why ice floats and why a full bottle left in the "
     "freezer may burst. Most other liquids shrink as they become solid."},
    {"science",
     "Plants take in carbon dioxide through small openings in their leaves and, with the energy of "
     "sunlight, turn it and water into sugar. The oxygen that we breathe is left over from this."},
    {"science",
     "The Moon shows us always the same side because it turns once around itself in the time that "
     "it needs to go once around the Earth."},
    {"science",
     "A vaccine shows the immune system a harmless part of a germ, so that the body can recognise "
     "the real one later and answer before it does much damage."},
    {"science",
     "Sound travels faster in water than in air, and faster still in steel, because the particles "
     "of a stiff material pass a push on to their neighbours more quickly."},
    {"history",
     "When the printing press spread through Europe in the fifteenth century, books became cheap "
     "enough for merchants and craftsmen, and ideas began to travel faster than their authors."},
    {"history",
     "The ancient Egyptians planned their year around the flooding of the Nile. When the water "
     "went "
     "back, it left a layer of dark mud in which grain grew well."},
    {"history",
     "Railways changed how people thought about time: before them each town kept its own clock by "
     "the sun, but a timetable needs one time for all the stations on the line."},
    {"history",
     "The harbour had been rich for two hundred years when the river began to fill with sand. By "
     "the end of the century the ships went elsewhere, and grass grew between the stones."},
    {"history",
     "Before refrigerators, ice was cut from lakes in winter, packed in sawdust, and shipped to "
     "warm countries, where it was sold as a luxury during the summer."},
    {"cooking",
     "Heat two spoons of oil in a wide pan, add the onions with a little salt, and let them soften "
     "over a low flame for ten minutes. Stir now and then so that they do not turn brown."},
    {"cooking",
     "Mix flour, water, salt and yeast to a soft dough, cover the bowl with a cloth, and leave it "
     "in "
     "a warm place until it has doubled in size. Then shape the loaf and bake it until it sounds "
     "hollow."},
    {"cooking",
     "Lentils need no soaking. Rinse them, cover them with twice their volume of water, and simmer "
     "them for twenty-five minutes; add the vinegar only at the end, or they stay hard."},
    {"cooking",
     "For a simple dressing, shake three parts of oil with one part of lemon juice, a pinch of "
     "salt "
     "and half a spoon of mustard in a closed jar until it looks creamy."},
    {"cooking",
     "Taste the soup before you serve it. If it seems flat, it usually wants salt or something "
     "sour; "
     "if it is too salty, add a potato and some more water."},
    {"news",
     "The city council voted on Tuesday to build a second bridge over the river. Work is expected "
     "to "
     "begin next spring and to take three years, the mayor said after the meeting."},
    {"news",
     "After a week of heavy rain, two villages in the valley were cut off on Friday when a "
     "landslide "
     "blocked the only road. Nobody was hurt, according to the fire brigade."},
    {"news",
     "The home team won its fourth match in a row on Saturday evening, although it played the last "
     "twenty minutes with ten players. The coach praised the patience of the young defenders."},
    {"news",
     "Prices rose by two per cent last year, the statistics office reported, less than economists "
     "had feared. Food became more expensive, while fuel and clothing were cheaper than before."},
    {"news",
     "The museum will stay open until midnight this weekend. Visitors can see paintings that have "
     "not left the store rooms for forty years, and admission is free for children."},
    {"letters",
     "Dear Ms Keller, thank you for your order of 3 March. Two of the five chairs are out of "
     "stock; "
     "we can send the other three today, or all of them together next week. Which would you "
     "prefer?"},
    {"letters",
     "Hello Tom, I am sorry that I missed your call yesterday. I will be in the office until four "
     "today, so please try again, or tell me when it would suit you better."},
    {"letters",
     "Dear neighbours, the water will be turned off on Thursday from nine to eleven in the morning "
     "while the pipes in the cellar are repaired. Please fill a kettle beforehand."},
    {"letters",
     "Thank you very much for the lovely evening. The food was wonderful, and we have not laughed "
     "so "
     "much for a long time. Next time you must come to us."},
    {"letters",
     "I am writing to apply for the position of librarian that you advertised last week. For the "
     "past six years I have worked in a school library, where I was responsible for new books."},
    {"fiction",
     "She closed the door behind her and listened. Somewhere in the house a clock was ticking, "
     "although she was sure that she had sold every one of them after her father died."},
    {"fiction",
     "The old dog lifted his head when the boat came round the point, and for the first time that "
     "winter he walked down to the water by himself."},
    {"fiction",
     "\"You could have told me,\" he said. She looked out of the window for so long that he "
     "thought "
     "she had not heard. \"I could have,\" she said, \"and you would have gone.\""},
    {"fiction",
     "Nobody in the village knew where the piano had come from. It stood in the field one morning, "
     "wet with dew, and when the children touched the keys it was perfectly in tune."},
    {"fiction",
     "On the third day the captain ordered the barrels to be counted again. There were eleven. "
     "There "
     "had been twelve the night before, and the nearest land was four hundred miles away."},
    {"technology",
     "A computer stores text as numbers. Each letter has a number of its own, and a file is "
     "nothing "
     "but a long row of such numbers together with a name and a length."},
    {"technology",
     "If the light on the front blinks twice, the device has no connection. Check the cable, wait "
     "for thirty seconds, and then press the button on the back until the light turns green."},
    {"technology",
     "A backup that has never been restored is only a hope. Once in a while, take an empty "
     "machine, "
     "restore everything on it, and see whether the programs start."},
    {"technology",
     "Batteries age faster when they are kept full and warm. For storage over several months, "
     "charge "
     "them to about half and put them in a cool, dry room."},
    {"technology",
     "Public-key encryption works with two keys: what is locked with one can be opened only with "
     "the "
     "other. The first may be given to everybody; the second must be kept secret."},
    {"code",
     "def average(values):\n    \"\"\"Returns the mean of a non-empty list of numbers.\"\"\"\n    "
     "total = "
     "0\n    for value in values:\n        total += value\n    return total / len(values)\n"},
    {"code",
     "#include <stdio.h>\n\nint main(void) {\n    for (int i = 1; i <= 10; i++) {\n        "
     "printf(\"%d squared is %d\\n\", i, i * i);\n    }\n    return 0;\n}\n"},
    {"code",
     "SELECT customers.name, COUNT(orders.id) AS order_count\nFROM customers\nLEFT JOIN orders ON "
     "orders.customer_id = customers.id\nGROUP BY customers.name\nORDER BY order_count DESC;\n"},
    {"code",
     "{\n  \"name\": \"garden\",\n  \"beds\": [\n    {\"plant\": \"beans\", \"rows\": 3},\n    "
     "{\"plant\": \"carrots\", \"rows\": 2}\n  ],\n  \"watered\": true\n}\n"},
    {"code",
     "#!/bin/sh\n# Copies all pictures of a folder into another one.\nset -e\nmkdir -p \"$2\"\nfor "
     "picture in \"$1\"/*.jpg; do\n  cp \"$picture\" \"$2\"/\ndone\necho \"done\"\n"},
    {"law",
     "The tenant may end this contract at the end of any month by giving three months' notice in "
     "writing. The deposit is returned within six weeks, less the cost of damage, if there is "
     "any."},
    {"law",
     "Whoever finds an object and does not know its owner must hand it in at the lost property "
     "office. If nobody claims it within six months, it belongs to the finder."},
    {"law",
     "The goods remain the property of the seller until the price has been paid in full. The buyer "
     "must examine them on delivery and report visible faults without delay."},
    {"law",
     "A contract needs an offer and an acceptance. Silence is, as a rule, no acceptance, and a "
     "price "
     "in a shop window is only an invitation to make an offer."},
    {"law",
     "The committee meets at least twice a year. It can decide when more than half of its members "
     "are present; if the votes are equal, the vote of the chair decides."},
    {"health",
     "Drink enough water on hot days, stay in the shade around noon, and rest when you feel dizzy. "
     "Older people often do not notice that they are thirsty."},
    {"health",
     "Wash the cut with clean water, press a cloth on it until the bleeding stops, and cover it. "
     "See "
     "a doctor if the edges become red and warm, or if a fever follows."},
    {"health",
     "Regular sleep matters more than long sleep. Going to bed at the same time every day, and "
     "keeping the bedroom dark and cool, helps most people to fall asleep sooner."},
    {"health",
     "The heart is a muscle of about the size of a fist. It beats some hundred thousand times a "
     "day "
     "and pumps the blood through the lungs and the rest of the body."},
    {"health",
     "Muscles grow while they rest. After a hard training day, an easy walk and a good meal do "
     "more "
     "than a second hard day, and the risk of an injury is smaller."},
    {"money",
     "Interest is the price of borrowed money. A loan of one thousand at five per cent costs fifty "
     "a "
     "year, and more if the interest that is not paid is added to the debt."},
    {"money",
     "Before you sign, compare the total cost rather than the monthly rate. A long contract with a "
     "low rate is often the dearest of all."},
    {"money",
     "If a shop sells forty loaves a day at three each and pays two for each of them, it earns "
     "forty "
     "a day, from which the rent and the wages still have to be paid."},
    {"money",
     "The company bought fewer machines than planned this year and paid back a part of its debts, "
     "so "
     "that the cost of interest fell although interest rates went up."},
    {"money",
     "Put a fixed amount aside on the day your wages arrive, not at the end of the month. What is "
     "gone before you see it is missed less."},
    {"travel",
     "The train to the coast leaves from platform four at ten past nine and takes two hours. Sit "
     "on "
     "the left side: after the tunnel the line follows the shore for half an hour."},
    {"travel",
     "The old town is small enough to see on foot in a morning. Start at the market, walk up to "
     "the "
     "castle before it gets warm, and come back along the city wall."},
    {"travel",
     "Take a light jacket even in July, because the weather in the mountains changes within "
     "minutes. "
     "The hut at the lake sells soup and bread but takes no cards."},
    {"travel",
     "From the airport there is a bus every twenty minutes. Buy the ticket from the machine beside "
     "the exit, stamp it when you get on, and keep it until you have left the bus."},
    {"travel",
     "The ferry does not run when the wind is strong. In that case there is a room above the "
     "bakery, "
     "and the owner will wake you when the first boat is ready to leave."},
};

}  // namespace

std::span<const GeneralText> general_texts() { return kTexts; }

}  // namespace tunewright::eval
