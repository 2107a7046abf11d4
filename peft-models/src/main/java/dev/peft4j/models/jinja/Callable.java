package dev.peft4j.models.jinja;

/** What can be called: a function, a macro, or a method with its object. */
@FunctionalInterface
interface Callable {
    Object call(Run run, Arguments arguments);
}
