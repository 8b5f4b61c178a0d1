/**
 * A message as Slack's incoming webhooks take it: Block Kit. At most 50 blocks, 3,000 characters in a section, 150 in a
 * header: https://docs.slack.dev/reference/block-kit/blocks
 */
import type { ToldAlert } from '../domain/alerts/types.ts';
import type { ChannelMessage } from '../ports/alert-channel.ts';
import { factsOf, headOf, passedOf, short, testWords, titleOf } from './words.ts';

export const slackLimits = {
  blocks: 50,
  headerChars: 150,
  sectionChars: 3_000,
  contextChars: 3_000,
} as const;

const marks = {
  INFO: ':information_source:',
  MEDIUM: ':large_yellow_circle:',
  HIGH: ':large_orange_circle:',
  CRITICAL: ':red_circle:',
};

export function slackBody(message: ChannelMessage): object {
  const head = headOf(message);
  const passed = passedOf(message);
  const blocks = [
    { type: 'header', text: { type: 'plain_text', text: short(head, slackLimits.headerChars), emoji: true } },
    ...(message.test === null ? [] : [section(escaped(testWords(message)))]),
    ...message.alerts.flatMap(blocksOf),
    ...(passed === '' ? [] : [section(escaped(passed))]),
  ];
  // `text` is what a notification shows, and what a reader of the screen reads.
  return {
    text: short(escaped(head), slackLimits.sectionChars),
    blocks: blocks.slice(0, slackLimits.blocks),
  };
}

function blocksOf(alert: ToldAlert): object[] {
  const mark = alert.kind === 'resolved' ? ':white_check_mark:' : marks[alert.severity];
  const title = `${mark} *${escaped(titleOf(alert))}*`;
  const facts = {
    type: 'context',
    elements: [{ type: 'mrkdwn', text: short(escaped(factsOf(alert)), slackLimits.contextChars) }],
  };
  const words = section(`${title}\n${escaped(alert.message)}`);
  return alert.kind === 'resolved'
    ? [words, facts]
    : [words, section(`\`\`\`${escaped(alert.command)}\`\`\``), facts];
}

function section(text: string): object {
  return { type: 'section', text: { type: 'mrkdwn', text: short(text, slackLimits.sectionChars) } };
}

/** Slack reads `<…>` as links and mentions: https://docs.slack.dev/messaging/formatting-message-text#escaping */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
