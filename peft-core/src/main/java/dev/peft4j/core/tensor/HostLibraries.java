package dev.peft4j.core.tensor;

import dev.peft4j.core.error.BackendException;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds the library that computes products beside OpenBLAS: the one that was asked for, or one that is on the class path and can be used. */
final class HostLibraries {
    static final String OPENBLAS = "openblas";
    static final String ND4J = "nd4j";

    private static final Logger LOG = LoggerFactory.getLogger(HostLibraries.class);

    private HostLibraries() {}

    /**
     * A library that is loaded.
     *
     * @param products what it computes; null for OpenBLAS alone
     * @param description for logs
     */
    record Chosen(@Nullable HostProducts products, String description) {
        static final Chosen NONE = new Chosen(null, OPENBLAS);
    }

    /** What {@code -Dpeft4j.engine} asks for; empty for whatever is best. */
    static String asked() {
        return System.getProperty("peft4j.engine", "").strip();
    }

    /**
     * Chooses.
     *
     * @throws BackendException if one was asked for, and it is not there or cannot be used
     */
    static Chosen choose() {
        String asked = asked();
        if (asked.equals(OPENBLAS) || asked.equals(ND4J)) {
            return Chosen.NONE;
        }
        List<HostProducts> found = found();
        for (HostProducts library : found) {
            if (library.name().equals(asked)) {
                return load(library);
            }
        }
        if (!asked.isEmpty()) {
            throw new BackendException(
                    "-Dpeft4j.engine=" + asked + " was asked for; there are " + names(found)
                            + ". Use one of them, or add the jar of the other to the class path (dev.peft4j:peft-onednn has onednn).");
        }
        for (HostProducts library : found) {
            try {
                return load(library);
            } catch (BackendException e) {
                LOG.info("products are computed by OpenBLAS alone: {}", e.getMessage());
            }
        }
        return Chosen.NONE;
    }

    private static Chosen load(HostProducts library) {
        return new Chosen(library, OPENBLAS + " and " + library.load());
    }

    private static List<HostProducts> found() {
        try {
            List<HostProducts> found = list(ServiceLoader.load(HostProducts.class));
            // a thread of a common pool may not see the class path of the application
            return found.isEmpty()
                    ? list(ServiceLoader.load(HostProducts.class, HostLibraries.class.getClassLoader()))
                    : found;
        } catch (ServiceConfigurationError e) {
            LOG.info("products are computed by OpenBLAS alone: {}", e.getMessage());
            return List.of();
        }
    }

    private static List<HostProducts> list(ServiceLoader<HostProducts> libraries) {
        return libraries.stream().map(ServiceLoader.Provider::get).toList();
    }

    private static String names(List<HostProducts> found) {
        StringBuilder names = new StringBuilder(OPENBLAS);
        found.forEach(library -> names.append(", ").append(library.name()));
        return names.append(" and ").append(ND4J).toString();
    }
}
