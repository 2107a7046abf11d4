package dev.peft4j.models.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A part of a template that can be called and gives what it writes.
 *
 * @param scope it was defined in, whose names it sees
 */
record Macro(Signature signature, Scope scope) implements Callable {
    /**
     * How it is called.
     *
     * @param defaults of the parameters, or null
     * @param takesMore whether its body asks for {@code varargs}
     * @param takesNames whether its body asks for {@code kwargs}
     * @param takesCaller whether its body asks for {@code caller}
     */
    record Signature(
            String name,
            List<String> parameters,
            List<@Nullable Expression> defaults,
            List<Statement> body,
            boolean takesMore,
            boolean takesNames,
            boolean takesCaller) {}

    @Override
    public Object call(Run run, Arguments arguments) {
        List<Object> given = arguments.positional();
        int count = signature.parameters().size();
        if (given.size() > count && !signature.takesMore()) {
            throw run.bad("the macro " + signature.name() + " takes at most " + count + " arguments, and "
                    + given.size() + " were given");
        }
        Map<Object, Object> named = new LinkedHashMap<>(arguments.named());
        Scope inner = new Scope(scope);
        for (int i = 0; i < count; i++) {
            String parameter = signature.parameters().get(i);
            Object byName = named.remove(parameter);
            if (i < given.size() && byName != null) {
                throw run.bad("the macro " + signature.name() + " was given '" + parameter + "' twice");
            }
            Expression otherwise = signature.defaults().get(i);
            Object value = i < given.size()
                    ? given.get(i)
                    : byName != null
                            ? byName
                            : otherwise != null
                                    ? run.valueWithin(inner, otherwise)
                                    : new Undefined("parameter '" + parameter + "' was not provided");
            inner.set(parameter, value);
        }
        if (signature.takesCaller()) {
            Object caller = named.remove("caller");
            inner.set("caller", caller != null ? caller : new Undefined("no caller defined"));
        }
        if (!named.isEmpty() && !signature.takesNames()) {
            throw run.bad("the macro " + signature.name() + " has no argument '"
                    + named.keySet().iterator().next() + "', only " + signature.parameters());
        }
        if (signature.takesNames()) {
            inner.set("kwargs", named);
        }
        if (signature.takesMore()) {
            inner.set("varargs", new Tuple(given.subList(Math.min(count, given.size()), given.size())));
        }
        return run.written(inner, signature.body());
    }
}
