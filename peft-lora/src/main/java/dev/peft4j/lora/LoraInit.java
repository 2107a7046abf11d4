package dev.peft4j.lora;

import java.util.Locale;
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
        OLORA
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
     * @throws IllegalArgumentException if the base of such an adapter cannot be known
     */
    public static LoraInit read(@Nullable Object value) {
        if (value == null || value.equals(true)) {
            return DEFAULT;
        }
        if (value.equals(false)) {
            return of(Kind.RANDOM);
        }
        String name = String.valueOf(value).toLowerCase(Locale.ROOT);
        Matcher m = PISSA_ITERATIONS.matcher(name);
        if (m.matches()) {
            return new LoraInit(Kind.PISSA, Integer.parseInt(m.group(1)));
        }
        return switch (name) {
            case "gaussian" -> of(Kind.GAUSSIAN);
            case "orthogonal" -> of(Kind.ORTHOGONAL);
            case "pissa" -> of(Kind.PISSA);
            case "olora" -> of(Kind.OLORA);
            case "loftq", "eva", "mica" -> DEFAULT; // these leave the weight of the base as it is
            default ->
                throw new IllegalArgumentException("init_lora_weights is \"" + value
                        + "\"; there are true, false, gaussian, orthogonal, pissa, pissa_niter_N, olora, loftq, eva and mica."
                        + " An adapter of another kind belongs to a base that was changed: convert it to plain LoRA when"
                        + " you save it in PEFT.");
        };
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
