package dev.peft4j.lora;

import dev.peft4j.core.error.BadInputException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How A and B start: {@code init_lora_weights}.
 *
 * @param kind which
 * @param iterations of the approximate decomposition of PiSSA; 0 for an exact one
 */
public record LoraInit(Kind kind, int iterations) {
    private static final Pattern PISSA_ITERATIONS = Pattern.compile("pissa_niter_(\\d{1,2})");

    /** The kinds of initial values. */
    public enum Kind {
        /** A is U(±1/√I), B is 0 (Hu et al. 2021, with PEFT's kaiming_uniform). */
        DEFAULT,
        /** A is N(0, 1/R), B is 0 (Hu et al. 2021, section 4.1). */
        GAUSSIAN,
        /** Neither is 0: the adapter has an effect from the start. For tests. */
        RANDOM,
        /** A and B span orthogonal directions, and B A is 0; R is even. */
        ORTHOGONAL,
        /** A and B are the R largest singular triplets of W (Meng et al. 2024). */
        PISSA,
        /** A and B are the first R columns and rows of the QR decomposition of W (Büyükakyüz 2024). */
        OLORA,
        /** B spans the weakest directions of W and is not trained, A is 0. It is read only. */
        MICA
    }

    /** The usual one. */
    public static final LoraInit DEFAULT = new LoraInit(Kind.DEFAULT, 0);

    /** One without iterations. */
    public static LoraInit of(Kind kind) {
        return new LoraInit(kind, 0);
    }

    /** Whether the base product loses what A and B start with, so that the sum starts at the base. */
    public boolean isTakenFromBase() {
        return kind == Kind.PISSA || kind == Kind.OLORA;
    }

    /**
     * Reads the field of {@code adapter_config.json}.
     *
     * @param given whether it is there
     * @throws BadInputException if the base of such an adapter cannot be known
     */
    static LoraInit read(@Nullable Object value, boolean given) {
        if (!given || value instanceof Boolean) {
            return Boolean.FALSE.equals(value) ? of(Kind.RANDOM) : DEFAULT;
        }
        if (!(value instanceof String text)) {
            if (value == null || value.equals(0) || value.equals(List.of()) || value.equals(Map.of())) {
                return of(Kind.RANDOM); // false by Python's rules
            }
            throw unknown(value);
        }
        if (text.isEmpty()) {
            return of(Kind.RANDOM);
        }
        Matcher m = PISSA_ITERATIONS.matcher(text);
        if (m.matches()) {
            return new LoraInit(Kind.PISSA, Integer.parseInt(m.group(1)));
        }
        if (text.equals("pissa")) {
            return of(Kind.PISSA);
        }
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "gaussian" -> of(Kind.GAUSSIAN);
            case "olora" -> of(Kind.OLORA);
            case "mica" -> of(Kind.MICA);
            default ->
                switch (text) { // PEFT knows these in small letters only
                    case "orthogonal" -> of(Kind.ORTHOGONAL);
                    case "eva", "lora_ga" -> DEFAULT; // these leave the weight of the base as it is
                    default -> throw unknown(value);
                };
        };
    }

    private static IllegalArgumentException unknown(Object value) {
        String text = value instanceof String s && s.length() <= 40 ? s : "another value";
        return new BadInputException("init_lora_weights is \"" + text
                + "\"; there are true, false, gaussian, orthogonal, pissa, pissa_niter_N, olora, eva, lora_ga and mica."
                + " An adapter of another kind belongs to a base that was changed: convert it to plain LoRA when you save it"
                + " in PEFT.");
    }

    /** The value of the field. */
    Object toJson() {
        return switch (kind) {
            case DEFAULT -> true;
            case RANDOM -> false;
            case PISSA -> iterations == 0 ? "pissa" : "pissa_niter_" + iterations;
            default -> kind.name().toLowerCase(Locale.ROOT);
        };
    }
}
