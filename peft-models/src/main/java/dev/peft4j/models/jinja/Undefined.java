package dev.peft4j.models.jinja;

/**
 * What is not there. It can be asked for and is printed as nothing; whatever else is done with it is an error.
 *
 * @param why it is not there, for messages
 */
record Undefined(String why) {
    static Undefined name(String name) {
        return new Undefined("'" + name + "' is undefined");
    }
}
