package dev.peft4j.cli;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.train.Stage;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.core.train.TensorChoice;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What is compared: a method, or a strategy of the base tensors.
 *
 * @param name of the method or strategy
 * @param strategy or null for a method
 * @param rate of learning
 */
record Candidate(String name, @Nullable Strategy strategy, double rate) {
    private static final String STRATEGY = "strategy:";
    private static final String RATE_OPTION = ",lr=";
    private static final Pattern OPTION = Pattern.compile("(rate|decay|statistics|lr)=.*");
    private static final double TOGETHER = 1e-3; // of several methods
    private static final double FEW = 1e-3; // of heads, norms and biases
    private static final double MANY = 1e-4; // of whole blocks

    /** Reads {@code NAME:RATE} and {@code strategy:STAGES,lr=RATE}. */
    static Candidate of(String text, MethodOptions options) {
        if (text.equals(MethodOptions.FULL) || text.startsWith(MethodOptions.FULL + ":")) {
            String rate = text.substring(MethodOptions.FULL.length());
            return ofStrategy(MethodOptions.FULL, rate.isEmpty() ? "" : rate.substring(1), text);
        }
        if (text.startsWith(STRATEGY)) {
            int rate = text.lastIndexOf(RATE_OPTION);
            return ofStrategy(
                    text.substring(STRATEGY.length(), rate < 0 ? text.length() : rate),
                    rate < 0 ? "" : text.substring(rate + RATE_OPTION.length()),
                    text);
        }
        int colon = text.indexOf(':');
        String name = colon < 0 ? text : text.substring(0, colon);
        double usual = options.learningRate(name, TOGETHER);
        return new Candidate(name, null, colon < 0 ? usual : number(text.substring(colon + 1), text));
    }

    private static Candidate ofStrategy(String stages, String rate, String text) {
        Strategy strategy = Strategy.parse(stages);
        boolean few = strategy.stages().stream().map(Stage::trained).allMatch(Candidate::isFew);
        return new Candidate(strategy.toString(), strategy, rate.isEmpty() ? few ? FEW : MANY : number(rate, text));
    }

    private static boolean isFew(TensorChoice choice) {
        return choice instanceof TensorChoice.Sum sum
                ? sum.parts().stream().allMatch(Candidate::isFew)
                : choice instanceof TensorChoice.Head
                        || choice instanceof TensorChoice.Norms
                        || choice instanceof TensorChoice.Biases
                        || choice instanceof TensorChoice.Statistics;
    }

    private static double number(String rate, String text) {
        try {
            return Double.parseDouble(rate);
        } catch (NumberFormatException e) {
            throw new BadInputException(
                    "--methods " + text + " was given; a rate is a number, such as lora:1e-3 or strategy:head,lr=1e-3.",
                    e);
        }
    }

    /** Puts together what was cut at the commas of a strategy. */
    static List<String> joined(List<String> pieces) {
        List<String> all = new ArrayList<>();
        for (String piece : pieces) {
            String last = all.isEmpty() ? "" : all.get(all.size() - 1);
            boolean inPattern = last.chars().filter(c -> c == '/').count() % 2 == 1;
            if (last.startsWith(STRATEGY) && (inPattern || OPTION.matcher(piece).matches())) {
                all.set(all.size() - 1, last + "," + piece);
            } else {
                all.add(piece);
            }
        }
        return all;
    }

    /** A name that a directory can have. */
    String directory() {
        return strategy == null ? name : "strategy-" + name.replaceAll("[^A-Za-z0-9.+=-]", "_");
    }
}
