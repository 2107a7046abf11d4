package dev.peft4j.cli;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.train.Stage;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.core.train.TensorChoice;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What is compared: a method, or a strategy of the base tensors.
 *
 * @param name of the method or strategy
 * @param strategy or null for a method
 * @param rate of learning
 * @param epochs passes over the records; 0 for as many steps as all have
 */
record Candidate(String name, @Nullable Strategy strategy, double rate, double epochs) {
    private static final String STRATEGY = "strategy:";
    private static final Pattern OPTION = Pattern.compile("(rate|decay|statistics|lr|epochs)=.*");
    private static final Pattern OWN = Pattern.compile("(.*),(lr|epochs)=([^,>]*)"); // at the end of the stages
    private static final double TOGETHER = 1e-3; // of several methods
    private static final double FEW = 1e-3; // of heads, norms and biases
    private static final double MANY = 1e-4; // of whole blocks

    /** Reads {@code NAME:RATE} and {@code strategy:STAGES,lr=RATE,epochs=N}. */
    static Candidate of(String text, MethodOptions options) {
        if (text.equals(MethodOptions.FULL) || text.startsWith(MethodOptions.FULL + ":")) {
            String rate = text.substring(MethodOptions.FULL.length());
            return ofStrategy(MethodOptions.FULL, rate.isEmpty() ? 0 : number(rate.substring(1), text), 0);
        }
        if (text.startsWith(STRATEGY)) {
            String stages = text.substring(STRATEGY.length());
            Map<String, Double> own = new HashMap<>();
            for (Matcher m = OWN.matcher(stages); m.matches(); m = OWN.matcher(stages)) {
                if (own.put(m.group(2), number(m.group(3), text)) != null) {
                    throw new BadInputException(
                            "--methods " + text + " gives " + m.group(2) + " twice. Leave one of them out.");
                }
                stages = m.group(1);
            }
            return ofStrategy(stages, own.getOrDefault("lr", 0.0), own.getOrDefault("epochs", 0.0));
        }
        int colon = text.indexOf(':');
        String name = colon < 0 ? text : text.substring(0, colon);
        double usual = options.learningRate(name, TOGETHER);
        return new Candidate(name, null, colon < 0 ? usual : number(text.substring(colon + 1), text), 0);
    }

    private static Candidate ofStrategy(String stages, double rate, double epochs) {
        Strategy strategy = Strategy.parse(stages);
        boolean few = strategy.stages().stream().map(Stage::trained).allMatch(Candidate::isFew);
        return new Candidate(strategy.toString(), strategy, rate > 0 ? rate : few ? FEW : MANY, epochs);
    }

    /** Whether it reads features that are computed once for each record. */
    boolean isCached() {
        return strategy != null && strategy.isCached();
    }

    /** The name, and what it has for itself. */
    String label() {
        return epochs > 0 ? name + ",epochs=" + Figures.plain(epochs) : name;
    }

    private static boolean isFew(TensorChoice choice) {
        return choice instanceof TensorChoice.Sum sum
                ? sum.parts().stream().allMatch(Candidate::isFew)
                : choice instanceof TensorChoice.Head
                        || choice instanceof TensorChoice.Norms
                        || choice instanceof TensorChoice.Biases
                        || choice instanceof TensorChoice.Statistics;
    }

    private static double number(String number, String text) {
        double value;
        try {
            value = Double.parseDouble(number);
        } catch (NumberFormatException e) {
            value = Double.NaN;
        }
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new BadInputException(
                    "--methods " + text + " was given; a rate and a count of epochs are numbers above"
                            + " 0, such as lora:1e-3 or strategy:head,lr=1e-3,epochs=3. Change it.");
        }
        return value;
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
