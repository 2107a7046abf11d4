/**
 * The part of the Jinja language that chat templates are written in, as transformers runs it: {@link dev.peft4j.models.jinja.Template} is a template that was
 * read, {@link dev.peft4j.models.jinja.Rendering} what it made of its variables.
 *
 * <p>{@code Lexer} cuts a source into {@code Token}s, {@code TemplateParser} and {@code ExpressionParser} make a tree of {@code Statement}s and {@code
 * Expression}s, which a {@code Run} goes through. A run counts its steps, its depth and what it writes, and has an end for each of them.
 *
 * <p>Values are those of Python in the classes of Java: {@code String}, {@code Long}, {@code Double}, {@code Boolean}, {@code List}, {@code Map}, and for what
 * Java does not have {@code None}, {@code Undefined}, {@code Tuple}, {@code Lazy} and {@code Namespace}. No template reaches any method of Java: each name that
 * can be asked for stands in a table here ({@code Attributes}, {@code TextMethods}, {@code Filters}, {@code ListFilters}, {@code Tests}, {@code Functions}).
 */
@NullMarked
package dev.peft4j.models.jinja;

import org.jspecify.annotations.NullMarked;
