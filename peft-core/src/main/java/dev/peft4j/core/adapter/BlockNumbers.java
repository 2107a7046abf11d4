package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadInputException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code layers_to_transform} and {@code layers_pattern}: which blocks are meant, by the numbers in the names of modules. */
final class BlockNumbers {
    /** The group of the number. */
    static final String GROUP = "idx";

    /** What stands for a value that holds no numbers; PEFT stops where it needs them. */
    static final int NO_NUMBER = Integer.MIN_VALUE;

    private static final int DIGITS = 9; // of a number that is still one of Java

    private static final Pattern ANY_LIST = Pattern.compile(".*?\\.[^.]*\\.(?<idx>\\d+)\\.");

    private final Set<Integer> numbers;
    private final List<String> lists;
    private final Map<String, Pattern> places = new HashMap<>();

    /**
     * Blocks with these numbers.
     *
     * @param lists names of the lists of blocks, as regular expressions; none for the first number in a name
     */
    BlockNumbers(List<Integer> numbers, List<String> lists) {
        this.numbers = new HashSet<>(numbers);
        this.lists = lists;
    }

    /** As in PEFT, an expression that no name gets to may be wrong. */
    private Matcher place(String list, String module) {
        Pattern place = places.computeIfAbsent(
                list, l -> PythonPattern.compile("layers_pattern", "(?:^|.*?\\.)" + l + "\\.(?P<idx>\\d+)\\."));
        return place.matcher(new BoundedText(module));
    }

    /** Whether the number in a name is one of them. By PEFT, the first list that has a match counts, even if there is no number in it. */
    boolean has(String module) {
        if (numbers.contains(NO_NUMBER)) {
            throw new BadInputException("\"layers_to_transform\" holds another value where a whole number or a list of"
                    + " them was expected. Correct the file.");
        }
        if (lists.isEmpty()) {
            return isOne(ANY_LIST.matcher(new BoundedText(module)));
        }
        for (String list : lists) {
            Matcher found = place(list, module);
            if (found.lookingAt()) {
                return isOne(found);
            }
        }
        return false;
    }

    private boolean isOne(Matcher found) {
        String number = found.lookingAt() ? found.group(GROUP) : null;
        return number != null && number.length() <= DIGITS && numbers.contains(Integer.parseInt(number));
    }
}
