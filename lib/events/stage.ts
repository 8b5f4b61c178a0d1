/** The stages that a deployment can have. `live` is never a default anywhere. */
export const stages = ['sandbox', 'paper', 'live'] as const;

export type Stage = (typeof stages)[number];
