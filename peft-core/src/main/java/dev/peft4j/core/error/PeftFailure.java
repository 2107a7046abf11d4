package dev.peft4j.core.error;

/**
 * What all errors of this library are: {@code catch (Exception e) { if (e instanceof PeftFailure) ... }}. Java catches classes only, and each error is also the
 * exception of Java for its kind, so this is an interface; the classes can be caught one by one.
 */
public sealed interface PeftFailure
        permits BackendException,
                BadFileException,
                BadInputException,
                NonFiniteException,
                StoppedException,
                WrongUseException {
    /** What was asked, what was found, and what to do. */
    String getMessage();
}
