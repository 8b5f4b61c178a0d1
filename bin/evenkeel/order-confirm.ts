import { CliError } from './exit.ts';
import type { Session } from './session.ts';

/**
 * Asks for a few words that are read once more as they are typed. Nothing has been sent by then.
 *
 * @param words what has to be typed, for example `BUY 1 GCG6`
 * @throws CliError CONFIRMATION_NEEDED where nobody sits at a terminal, NOT_CONFIRMED for other words
 */
export async function confirmWords({ io }: Pick<Session, 'io'>, what: string, words: string): Promise<void> {
  if (io.ask === undefined) {
    throw new CliError(
      'CONFIRMATION_NEEDED',
      'Nobody sits at this terminal to confirm; nothing was sent. Repeat the command with --yes if you mean it.',
    );
  }
  const typed = await io.ask(`${what} Type ${words} to go on: `);
  const same = (text: string) => text.trim().replaceAll(/\s+/g, ' ').toUpperCase();
  if (same(typed) === same(words)) return;
  throw new CliError('NOT_CONFIRMED', `That is not ${words}; nothing was sent.`);
}
