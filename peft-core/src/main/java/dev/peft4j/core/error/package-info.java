/**
 * What this library throws, so that an application can tell its own faults, its users' and the machine's apart. Every error of the library itself is a {@link
 * dev.peft4j.core.error.PeftFailure} and says what was asked, what was found and what to do; most are also the exception of Java that stands for their kind:
 *
 * <ul>
 *   <li>{@link dev.peft4j.core.error.BadInputException}: a value that was given; an {@link IllegalArgumentException}
 *   <li>{@link dev.peft4j.core.error.BadFileException}: a file does not hold what it promises; an {@link java.io.IOException}
 *   <li>{@link dev.peft4j.core.error.WrongUseException}: something closed was used, or by two at once; an {@link IllegalStateException}
 *   <li>{@link dev.peft4j.core.error.StoppedException}: the thread was interrupted
 *   <li>{@link dev.peft4j.core.error.NonFiniteException}: training diverged; an {@link ArithmeticException}
 *   <li>{@link dev.peft4j.core.error.BackendException}: natives are missing; an {@link IllegalStateException}
 * </ul>
 *
 * <p>What cannot be written, such as on a full disk, remains a plain {@link java.io.IOException}, and memory that ran out an {@link OutOfMemoryError}.
 */
@NullMarked
package dev.peft4j.core.error;

import org.jspecify.annotations.NullMarked;
