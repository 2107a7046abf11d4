package dev.peft4j.models.jinja;

import java.util.List;

/** What a value is given to. */
sealed interface Target {
    void set(Run run, Scope scope, Object value);

    /** A name. */
    record Name(String name) implements Target {
        @Override
        public void set(Run run, Scope scope, Object value) {
            scope.set(name, value);
        }
    }

    /** {@code ns.name}. */
    record Field(String namespace, String name) implements Target {
        @Override
        public void set(Run run, Scope scope, Object value) {
            if (!(scope.get(namespace) instanceof Namespace fields)) {
                throw run.bad("'" + namespace + "." + name
                        + "' was to be set, and only what namespace() has made can be" + " changed");
            }
            fields.set(run, name, value);
        }
    }

    /** {@code a, b}: the items of a value, which has as many. */
    record Several(List<Target> targets) implements Target {
        @Override
        public void set(Run run, Scope scope, Object value) {
            List<Object> items = Values.items(run, value);
            if (items.size() != targets.size()) {
                throw run.bad(targets.size() + " names were to be given the items of a value of " + items.size());
            }
            for (int i = 0; i < items.size(); i++) {
                targets.get(i).set(run, scope, items.get(i));
            }
        }
    }
}
