package dev.peft4j.cli;

import dev.peft4j.models.data.TextRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * Writes the texts of the demo. The base model learns little stories about animals and notes that repeat words; the demo teaches
 * it weather reports from facts, a domain that it has never seen, in the words of the same vocabulary.
 */
final class DemoText {
    private static final String[] ANIMALS = {
        "fox", "owl", "bear", "hare", "otter", "mouse", "frog", "goat", "crow", "hedgehog", "badger", "deer"
    };
    private static final String[] NAMES = {
        "Anna", "Ben", "Clara", "David", "Emma", "Felix", "Greta", "Hugo", "Ida", "Jonas"
    };
    private static final String[] PLACES = {
        "river", "forest", "hill", "lake", "meadow", "barn", "bridge", "garden", "mill", "cave"
    };
    private static final String[] THINGS = {
        "apple", "lantern", "feather", "key", "drum", "letter", "basket", "coin", "shell", "kite"
    };
    private static final String[] MOODS = {"happy", "tired", "proud", "curious", "afraid", "hungry"};
    private static final String[] CITIES = {
        "Oslo", "Lisbon", "Cairo", "Lima", "Busan", "Dakar", "Turin", "Quito", "Perth", "Riga", "Kyoto", "Austin"
    };
    private static final String[] SKIES = {"rain", "snow", "fog", "sunshine", "clouds", "hail"};
    private static final String[] WINDS = {"calm", "light", "strong", "stormy"};
    private static final String[] TIMES = {"morning", "afternoon", "evening"};
    private static final String[] DEGREES = {
        "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"
    };

    private final RandomGenerator random;

    DemoText(long seed) {
        random = new SplittableRandom(seed);
    }

    private String pick(String... words) {
        return words[random.nextInt(words.length)];
    }

    private static String capital(String word) {
        return word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1);
    }

    /** Stories for the base model: facts, then sentences that use them; some without facts. */
    List<TextRecord> stories(int count) {
        List<TextRecord> records = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            if (random.nextInt(3) == 0) {
                records.add(new TextRecord("", note(), null));
                continue;
            }
            String facts = "";
            String animal = pick(ANIMALS);
            String name = pick(NAMES);
            String place = pick(PLACES);
            String thing = pick(THINGS);
            String mood = pick(MOODS);
            if (random.nextInt(4) > 0) {
                facts = "story : " + animal + " , " + name + " , " + place + " , " + thing + " , " + mood + " = ";
            }
            records.add(new TextRecord("", facts + story(animal, name, place, thing, mood), null));
        }
        return records;
    }

    /** Words of all kinds, and a sentence that repeats them: here the model learns to copy facts. */
    private String note() {
        String[][] kinds = {CITIES, TIMES, SKIES, WINDS, DEGREES, ANIMALS, NAMES, PLACES, THINGS, MOODS};
        String[] words = new String[3 + random.nextInt(3)];
        for (int i = 0; i < words.length; i++) {
            words[i] = pick(kinds[random.nextInt(kinds.length)]);
        }
        String start = random.nextBoolean() ? "The note says " : "On the note there was ";
        String last = words[words.length - 1];
        String others = String.join(", ", List.of(words).subList(0, words.length - 1));
        return "note : " + String.join(" , ", words) + " = " + start + others + " and " + last + ".";
    }

    private String story(String animal, String name, String place, String thing, String mood) {
        String opening =
                switch (random.nextInt(4)) {
                    case 0 -> "The " + animal + " " + name + " lives near the " + place + ".";
                    case 1 -> name + " is a " + mood + " " + animal + " from the " + place + ".";
                    case 2 ->
                        "Near the " + place + " lives a " + animal + ". The name of the " + animal + " is " + name
                                + ".";
                    default ->
                        "There was a " + animal + " near the " + place + ", and the " + animal + " was " + mood + ".";
                };
        String middle =
                switch (random.nextInt(4)) {
                    case 0 -> name + " finds a " + thing + " and takes the " + thing + " to the " + place + ".";
                    case 1 -> "In the " + pick(TIMES) + " " + name + " sees a " + thing + ".";
                    case 2 -> "The " + animal + " has " + pick(DEGREES) + " friends and a " + thing + ".";
                    default -> capital(pick(DEGREES)) + " friends bring a " + thing + " for " + name + ".";
                };
        String end =
                switch (random.nextInt(3)) {
                    case 0 -> "Now " + name + " is " + mood + ".";
                    case 1 -> "The " + animal + " is very " + mood + " and goes home.";
                    default -> "In the " + pick(TIMES) + " all is calm near the " + place + ".";
                };
        return opening + " " + middle + " " + end;
    }

    /** Weather reports: facts as the prompt, the report as the completion. */
    List<TextRecord> reports(int count) {
        List<TextRecord> records = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String city = pick(CITIES);
            String time = pick(TIMES);
            String sky = pick(SKIES);
            String wind = pick(WINDS);
            String degrees = pick(DEGREES);
            String facts = "weather : " + city + " , " + time + " , " + sky + " , " + wind + " , " + degrees + " =";
            records.add(new TextRecord(facts, report(city, time, sky, wind, degrees), null));
        }
        return records;
    }

    private String report(String city, String time, String sky, String wind, String degrees) {
        String air = wind.equals("calm") ? "The air is calm" : "A " + wind + " wind blows";
        return switch (random.nextInt(2)) {
            case 0 ->
                "Expect " + sky + " over " + city + " in the " + time + ". " + air + ", with " + degrees + " degrees.";
            default ->
                capital(time) + " in " + city + " brings " + sky + ". " + air + ", and it has " + degrees + " degrees.";
        };
    }

    /** Every word and sign of both domains, in a fixed order: the vocabulary of the tokenizer. */
    static List<String> vocabulary() {
        List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>", ".", ",", ":", "="));
        String[][] lists = {ANIMALS, NAMES, PLACES, THINGS, MOODS, CITIES, SKIES, WINDS, TIMES, DEGREES};
        List<String> words = new ArrayList<>();
        for (String[] list : lists) {
            words.addAll(List.of(list));
        }
        for (String list : List.of(
                "story weather The the is a A lives near Near name of from There was and In in has friends bring for finds takes",
                "to sees Now very goes home all Expect over wind blows air with degrees brings it note says On there")) {
            words.addAll(List.of(list.split(" ", -1)));
        }
        for (String[] list : new String[][] {TIMES, DEGREES}) {
            for (String w : list) {
                words.add(capital(w));
            }
        }
        tokens.add("\u2581");
        words.stream().distinct().forEach(w -> tokens.add("\u2581" + w));
        return tokens;
    }
}
