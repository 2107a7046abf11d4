/**
 * What a run leaves on the disk, and how well what it trained does: its directory, its checkpoints, log and page, the adapters that it trains ({@link
 * dev.peft4j.run.TrainingRun}); what the held-out records say of a model in the terms of its task ({@link dev.peft4j.run.TaskScores}); models over texts ({@link
 * dev.peft4j.run.ExampleReader}).
 */
@NullMarked
package dev.peft4j.run;

import org.jspecify.annotations.NullMarked;
