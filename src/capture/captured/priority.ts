/** Lower is more urgent; each class has a segment and a quota of its own. */
export const PRIORITIES = ['error', 'outlier', 'sample'] as const;
export type Priority = (typeof PRIORITIES)[number];
