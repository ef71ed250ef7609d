/** How a worker tells the launcher that starting it again would not help. */
export const EXIT_PERMANENT = 78;
