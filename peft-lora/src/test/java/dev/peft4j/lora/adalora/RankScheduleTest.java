package dev.peft4j.lora.adalora;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** The cubic curve of ranks, by hand. */
class RankScheduleTest {
    private static final RankSchedule SCHEDULE = new RankSchedule(8, 4, 2, 4, 3, 0.85, 0.85, 16);

    @Test
    void the_budget_falls_by_a_cubic_curve_between_the_two_ends() {
        int layers = 10;
        assertEquals(80, SCHEDULE.budget(0, layers));
        assertEquals(80, SCHEDULE.budget(2, layers));
        assertEquals(45, SCHEDULE.budget(7, layers)); // half of the way: 40 + 40 / 8
        assertEquals(40, SCHEDULE.budget(12, layers));
        assertEquals(40, SCHEDULE.budget(16, layers));
        int last = Integer.MAX_VALUE;
        for (int step = 0; step <= 16; step++) {
            assertTrue(SCHEDULE.budget(step, layers) <= last, "step " + step);
            last = SCHEDULE.budget(step, layers);
        }
    }

    @Test
    void ranks_are_cut_every_delta_steps_and_in_each_step_behind_the_last_cut() {
        assertFalse(SCHEDULE.cutsAfter(2), "warm-up");
        assertTrue(SCHEDULE.cutsAfter(3));
        assertFalse(SCHEDULE.cutsAfter(4));
        assertTrue(SCHEDULE.cutsAfter(9));
        assertTrue(SCHEDULE.cutsAfter(12), "the last cut");
        assertTrue(SCHEDULE.cutsAfter(13));
        assertEquals(12, SCHEDULE.lastCut());
    }

    @Test
    void what_leaves_no_step_to_cut_in_is_refused() {
        assertThrows(IllegalArgumentException.class, () -> new RankSchedule(8, 4, 10, 6, 1, 0.85, 0.85, 16));
        assertThrows(IllegalArgumentException.class, () -> RankSchedule.of(4, 8));
        assertThrows(IllegalArgumentException.class, () -> new RankSchedule(8, 4, 0, 0, 0, 0.85, 0.85, 0));
        assertThrows(IllegalArgumentException.class, () -> new RankSchedule(8, 4, 0, 0, 1, 1, 0.85, 0));
    }
}
