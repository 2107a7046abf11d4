/**
 * Conversations: how they are read, how a model writes them, and what of them is learnt.
 *
 * <p>{@link dev.peft4j.models.chat.ChatReader}, {@link dev.peft4j.models.chat.PreferenceReader} and {@link dev.peft4j.models.chat.RatingReader} read files; a {@link dev.peft4j.models.chat.Chat} is a list of
 * {@link dev.peft4j.models.chat.ChatMessage}s in an order that can be learnt from. {@link dev.peft4j.models.chat.ChatTemplate} is the template of a checkpoint,
 * which makes one text of messages; {@link dev.peft4j.models.chat.ChatEncoder} makes tokens of that, with the loss on what the assistant writes ({@code
 * AnswerSpans}). The language of templates is in {@code dev.peft4j.models.jinja}.
 */
@NullMarked
package dev.peft4j.models.chat;

import org.jspecify.annotations.NullMarked;
