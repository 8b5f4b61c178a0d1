/**
 * A message as Discord's webhooks take it: embeds. At most 10 embeds, 6,000 characters in all of them, 2,000 of content:
 * https://discord.com/developers/docs/resources/message#embed-object-embed-limits
 */
import type { ToldAlert } from '../domain/alerts/types.ts';
import type { ChannelMessage } from '../ports/alert-channel.ts';
import { factsOf, headOf, passedOf, short, testWords, titleOf } from './words.ts';

export const discordLimits = { embeds: 10, contentChars: 2_000, allEmbedsChars: 6_000 } as const;

/** Ten of each are less than 6,000. */
const chars = { title: 110, message: 260, command: 90, facts: 110 } as const;
const colours = { INFO: 0x3b82f6, MEDIUM: 0xeab308, HIGH: 0xf97316, CRITICAL: 0xdc2626 };
const resolvedColour = 0x16a34a;

export function discordBody(message: ChannelMessage): object {
  const { alerts, test } = message;
  // One alert has all the room.
  const room = alerts.length === 1 ? 4 : 1;
  const lines = [headOf(message), passedOf(message), ...(test === null ? [] : [testWords(message)])];
  return {
    content: short(lines.filter((line) => line !== '').join('\n'), discordLimits.contentChars),
    embeds: alerts.slice(0, discordLimits.embeds).map((alert) => embedOf(alert, room)),
    // Whatever an alert says, it calls nobody.
    allowed_mentions: { parse: [] },
  };
}

function embedOf(alert: ToldAlert, room: number): object {
  const { kind, severity, message, command } = alert;
  const act =
    kind === 'resolved' ? '' : `\n\`\`\`\n${short(command.replaceAll('`', "'"), chars.command)}\n\`\`\``;
  return {
    title: short(titleOf(alert), chars.title),
    description: `${short(message, chars.message * room)}${act}`,
    color: kind === 'resolved' ? resolvedColour : colours[severity],
    footer: { text: short(factsOf(alert), chars.facts) },
  };
}
