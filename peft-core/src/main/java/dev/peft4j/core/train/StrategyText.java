package dev.peft4j.core.train;

import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.error.BadInputException;
import java.util.ArrayList;
import java.util.List;

/** Reads the texts of strategies. */
final class StrategyText {
    private static final List<String> CHOICES = List.of(
            "full", "head", "last:N", "norms", "biases", "pattern:REGEX", "gradual", "bn-stats", Strategy.CACHED);
    private static final List<String> OPTIONS = List.of("rate", "decay", "statistics");

    private final String text;

    private StrategyText(String text) {
        this.text = text;
    }

    static Strategy parse(String text) {
        return new StrategyText(text).strategy();
    }

    private Strategy strategy() {
        boolean cached = false;
        List<Stage> stages = new ArrayList<>();
        for (String part : split(text, '>')) {
            boolean isCached =
                    split(split(split(part, ',').get(0), '@').get(0), '+').contains(Strategy.CACHED);
            cached |= isCached;
            stages.add(stage(isCached ? part.replaceFirst(Strategy.CACHED, "head") : part));
        }
        return new Strategy(stages, cached);
    }

    private Stage stage(String part) {
        List<String> pieces = split(part, ',');
        List<String> timed = split(pieces.get(0), '@');
        if (timed.size() > 2) {
            throw wrong(part + " has two lengths", "Give one, behind a single @.");
        }
        Stage stage = Stage.of(choice(timed.get(0)));
        if (timed.size() == 2) {
            String length = timed.get(1);
            boolean share = length.endsWith("%");
            double amount = number(part, share ? length.substring(0, length.length() - 1) : length);
            stage = share ? stage.forShare(amount / 100) : stage.forEpochs(amount);
        }
        for (String option : pieces.subList(1, pieces.size())) {
            stage = with(stage, part, option);
        }
        return stage;
    }

    private Stage with(Stage stage, String part, String option) {
        int equals = option.indexOf('=');
        String name = equals < 0 ? option : option.substring(0, equals);
        String value = option.substring(equals + 1);
        return switch (equals < 0 ? "" : name) {
            case "rate" -> stage.withRate(number(part, value));
            case "decay" -> stage.withDecay(number(part, value));
            case "statistics" ->
                switch (value) {
                    case "batch" -> stage.withBatchStatistics();
                    case "frozen" -> stage;
                    default -> throw wrong(part + " has the statistics " + value, "They are batch or frozen.");
                };
            default ->
                throw wrong(
                        part + " has the option " + option,
                        "Options are rate=FACTOR, decay=FACTOR and statistics=batch."
                                + TargetModules.suggestion(name, OPTIONS));
        };
    }

    private TensorChoice choice(String given) {
        List<TensorChoice> parts = new ArrayList<>();
        for (String name : split(given, '+')) {
            parts.add(single(name));
        }
        return parts.size() == 1 ? parts.get(0) : new TensorChoice.Sum(parts);
    }

    private TensorChoice single(String given) {
        int colon = given.indexOf(':');
        String value = given.substring(colon + 1);
        return switch (colon < 0 ? given : given.substring(0, colon + 1)) {
            case "full" -> new TensorChoice.All();
            case "head" -> new TensorChoice.Head();
            case "norms" -> new TensorChoice.Norms();
            case "biases" -> new TensorChoice.Biases();
            case "bn-stats" -> new TensorChoice.Statistics();
            case "gradual" -> new TensorChoice.Gradual(1);
            case "gradual:" -> new TensorChoice.Gradual(number(given, value));
            case "last:" -> new TensorChoice.Last(whole(given, value));
            case "pattern:" -> {
                boolean quoted = value.length() > 1 && value.startsWith("/") && value.endsWith("/");
                yield new TensorChoice.Named(quoted ? value.substring(1, value.length() - 1) : value);
            }
            default ->
                throw wrong(
                        given.isEmpty() ? "a choice is missing in it" : given + " is no choice of tensors",
                        "There are " + String.join(", ", CHOICES) + "." + TargetModules.suggestion(given, CHOICES));
        };
    }

    /** The pieces between a character, where it is not between slashes. */
    static List<String> split(String text, char separator) {
        List<String> pieces = new ArrayList<>();
        int from = 0;
        boolean quoted = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            quoted ^= c == '/';
            if (c == separator && !quoted) {
                pieces.add(text.substring(from, i));
                from = i + 1;
            }
        }
        pieces.add(text.substring(from));
        return pieces;
    }

    private int whole(String part, String value) {
        double number = number(part, value);
        if (number != Math.rint(number) || Math.abs(number) > Integer.MAX_VALUE) {
            throw wrong(
                    part + " has the number " + value,
                    "It counts blocks or epochs: give a whole number of at most " + Integer.MAX_VALUE + ".");
        }
        return (int) number;
    }

    private double number(String part, String value) {
        try {
            return Double.parseDouble(value);
        } catch (NumberFormatException e) {
            throw new BadInputException(
                    message(part + " has \"" + value + "\" where a number was expected", "Correct it."), e);
        }
    }

    private BadInputException wrong(String found, String remedy) {
        return new BadInputException(message(found, remedy));
    }

    private String message(String found, String remedy) {
        return "the strategy \"" + text + "\" was asked for, and " + found + ". " + remedy;
    }
}
