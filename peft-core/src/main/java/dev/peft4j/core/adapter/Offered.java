package dev.peft4j.core.adapter;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;

/**
 * What the jars of an application offer of a service: those that the library itself sees, and those that the thread does. The first matter where threads of a common
 * pool know nothing of the application, as in one that runs from a single jar; the second where the library is shared by several applications.
 */
public final class Offered {
    private Offered() {}

    /** One of each class. */
    public static <S> List<S> of(Class<S> service) {
        Map<Class<?>, S> all = new LinkedHashMap<>();
        add(ServiceLoader.load(service), all);
        add(ServiceLoader.load(service, service.getClassLoader()), all);
        return new ArrayList<>(all.values());
    }

    private static <S> void add(ServiceLoader<S> loader, Map<Class<?>, S> all) {
        loader.stream().forEach(p -> all.computeIfAbsent(p.type(), c -> p.get()));
    }
}
