package dev.peft4j.core.data;

import dev.peft4j.core.error.BadInputException;

/** Mixtures of pixels and of targets: {@code share · a + (1 - share) · b}. */
final class Mixture {
    private Mixture() {}

    static void requireShare(double share) {
        if (!(share >= 0 && share <= 1)) {
            throw new BadInputException("images were to be mixed with the share " + share
                    + "; a share is a number from 0 to 1. Change it.");
        }
    }

    /** Of values, as many of each. */
    static float[] of(float[] a, float[] b, double share) {
        float[] mixed = new float[a.length];
        float ofA = (float) share;
        float ofB = (float) (1 - share);
        for (int i = 0; i < mixed.length; i++) {
            mixed[i] = ofA * a[i] + ofB * b[i];
        }
        return mixed;
    }

    /** Of targets with those of partners. */
    static Targets of(Targets targets, double share, int... partners) {
        Targets others = targets.of(partners);
        if (targets instanceof Targets.Classes a && others instanceof Targets.Classes b) {
            return new Targets.MixedClasses(a, b, share);
        }
        if (targets instanceof Targets.Numbers a && others instanceof Targets.Numbers b) {
            return new Targets.Numbers(of(a.values(), b.values(), share), a.each());
        }
        if (targets instanceof Targets.LabelSets a && others instanceof Targets.LabelSets b) {
            return new Targets.LabelSets(of(a.values(), b.values(), share), a.each());
        }
        if (targets instanceof Targets.None) {
            return targets;
        }
        throw new BadInputException(targets.kind() + " was to be mixed with that of another image; classes, labels and"
                + " numbers are. Give targets of these kinds.");
    }
}
