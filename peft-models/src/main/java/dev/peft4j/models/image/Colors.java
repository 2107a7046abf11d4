package dev.peft4j.models.image;

/** Changes of colours as Pillow's ImageEnhance and torchvision's adjust_hue make them, to the same bytes. */
final class Colors {
    private Colors() {}

    /** {@code factor · level}. */
    static Picture brightness(Picture p, float factor) {
        return blended(p, new byte[1], factor);
    }

    /** {@code mean + factor (level - mean)}, with the mean of the grey picture as a whole number. */
    static Picture contrast(Picture p, float factor) {
        byte[] grey = p.toGrey().planes();
        long sum = 0;
        for (byte level : grey) {
            sum += level & 0xff;
        }
        return blended(p, new byte[] {(byte) (int) ((double) sum / grey.length + 0.5)}, factor);
    }

    /** {@code grey + factor (level - grey)}. */
    static Picture saturation(Picture p, float factor) {
        return p.channels() == 1 ? p : blended(p, p.toGrey().planes(), factor);
    }

    /** {@code zero + factor (level - zero)} for each channel, cut off at 0 and 255; {@code zero} is of each pixel, or one for all. */
    private static Picture blended(Picture p, byte[] zero, float factor) {
        byte[] levels = p.planes();
        byte[] out = new byte[levels.length];
        for (int i = 0; i < out.length; i++) {
            int from = zero[i % zero.length] & 0xff;
            float level = from + factor * ((levels[i] & 0xff) - from);
            out[i] = (byte) Math.max(0, Math.min(255, (int) level));
        }
        return new Picture(p.channels(), p.height(), p.width(), out);
    }

    /**
     * Turns the circle of colours, in steps of 1/255 of it.
     *
     * @param part of the circle, from -0.5 to 0.5
     */
    static Picture hue(Picture p, double part) {
        if (p.channels() == 1) {
            return p;
        }
        int shift = (int) (part * 255);
        byte[] levels = p.planes();
        byte[] out = new byte[levels.length];
        int n = p.height() * p.width();
        for (int i = 0; i < n; i++) {
            int turned = turned(levels[i] & 0xff, levels[n + i] & 0xff, levels[2 * n + i] & 0xff, shift);
            out[i] = (byte) (turned >> 16);
            out[n + i] = (byte) (turned >> 8);
            out[2 * n + i] = (byte) turned;
        }
        return new Picture(3, p.height(), p.width(), out);
    }

    /** A colour in hue, saturation and value of 8 bits each, turned, and back. */
    private static int turned(int red, int green, int blue, int shift) {
        int most = Math.max(red, Math.max(green, blue));
        int least = Math.min(red, Math.min(green, blue));
        if (most == least) {
            return rgb(most, most, most);
        }
        float range = most - least;
        float r = (most - red) / range;
        float g = (most - green) / range;
        float b = (most - blue) / range;
        float sector;
        if (red == most) {
            sector = b - g;
        } else if (green == most) {
            sector = (float) (2.0 + r - b);
        } else {
            sector = (float) (4.0 + g - r);
        }
        float circle = (float) ((sector / 6.0 + 1.0) % 1.0);
        int hue = ((int) (circle * 255.0) + shift) & 0xff;
        int saturation = (int) (range / most * 255.0);
        return saturation == 0 ? rgb(most, most, most) : color(hue, saturation, most);
    }

    private static int color(int hue, int saturation, int value) {
        double turn = hue * 6.0 / 255.0;
        int sector = (int) turn;
        float f = (float) (turn - sector);
        float s = (float) (saturation / 255.0);
        int p = (int) (value * (1.0 - s) + 0.5);
        int q = (int) (value * (1.0 - (double) s * f) + 0.5);
        int t = (int) (value * (1.0 - s * (1.0 - f)) + 0.5);
        return switch (sector % 6) {
            case 0 -> rgb(value, t, p);
            case 1 -> rgb(q, value, p);
            case 2 -> rgb(p, value, t);
            case 3 -> rgb(p, q, value);
            case 4 -> rgb(t, p, value);
            default -> rgb(value, p, q);
        };
    }

    private static int rgb(int red, int green, int blue) {
        return (red << 16) | (green << 8) | blue;
    }
}
