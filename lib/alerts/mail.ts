/** A message as plain text, for e-mail. */
import type { ChannelMessage } from '../ports/alert-channel.ts';
import { factsOf, headOf, passedOf, testWords, titleOf } from './words.ts';

export function mailOf(message: ChannelMessage): { readonly subject: string; readonly text: string } {
  const parts = [
    ...(message.test === null ? [] : [testWords(message)]),
    ...message.alerts.map((alert) =>
      [
        titleOf(alert),
        alert.message,
        ...(alert.kind === 'resolved' ? [] : [`  ${alert.command}`]),
        factsOf(alert),
      ].join('\n'),
    ),
    passedOf(message),
  ];
  return { subject: headOf(message), text: `${parts.filter((part) => part !== '').join('\n\n')}\n` };
}
