/** The chance of one action: it follows from the seed and the action's own number. */
import { mulberry32 } from '../../sandbox/tapes/generate.ts';

export class Dice {
  readonly random: () => number;

  constructor(seed: number, number: number) {
    this.random = mulberry32((Math.imul(seed, 0x9e37_79b1) ^ Math.imul(number + 1, 0x85eb_ca6b)) >>> 0);
    // The first numbers of neighbouring seeds are alike.
    this.random();
    this.random();
  }

  between(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1));
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  one<T>(all: readonly T[]): T {
    return all[Math.floor(this.random() * all.length)]!;
  }
}
