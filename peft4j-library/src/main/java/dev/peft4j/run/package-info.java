/** What a run leaves on the disk: its directory, its checkpoints, log and page, and the adapters that it trains. */
@NullMarked
package dev.peft4j.run;

import org.jspecify.annotations.NullMarked;
