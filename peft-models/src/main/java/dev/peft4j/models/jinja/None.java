package dev.peft4j.models.jinja;

/** Python's {@code None}. */
enum None {
    NONE
}
