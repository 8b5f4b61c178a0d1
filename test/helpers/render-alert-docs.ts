/** Renders docs/alerts.md: its tables are the catalogue, so that they cannot drift. */

import { webhookHeaders } from '../../lib/alerts/webhook.ts';
import { alertTypes } from '../../lib/domain/alerts/catalogue.ts';
import { alertSeverities } from '../../lib/domain/alerts/types.ts';
import { unstaged } from '../../lib/domain/alerts/unstaged.ts';

function rows(severity: (typeof alertSeverities)[number]): string[] {
  return Object.entries(alertTypes)
    .filter(([, { severities }]) => severities[0] === severity)
    .toSorted(([a], [b]) => a.localeCompare(b, 'en'))
    .map(([alert, { severities, meaning, action, command, endedBy, ends }]) => {
      const also = severities.length === 1 ? '' : ` (also ${severities.slice(1).join(', ')})`;
      const end =
        ends === undefined ? (endedBy ?? '—') : `it ends ${ends.map((one) => `\`${one}\``).join(', ')}`;
      return `| \`${alert}\`${also} | ${meaning} | ${action} | \`${command}\` | ${end} |`.replaceAll(
        '||',
        '\\|\\|',
      );
    });
}

function table(severity: (typeof alertSeverities)[number]): string {
  return [
    `### ${severity}`,
    '',
    '| alert | means | what to do | command | ended by |',
    '|---|---|---|---|---|',
    ...rows(severity),
  ].join('\n');
}

function unstagedTable(): string {
  return [
    '| type | what to do | command |',
    '|---|---|---|',
    ...Object.entries(unstaged).map(
      ([type, { action, command }]) => `| \`${type}\` | ${action} | \`${command}\` |`,
    ),
  ].join('\n');
}

export function renderAlertDocs(): string {
  const tables = alertSeverities.toReversed().map(table).join('\n\n');
  return `# Alerts

What a person must know reaches a person: by e-mail, Slack, Discord or a webhook of your own. This page is made from the
catalogue (\`lib/domain/alerts/catalogue.ts\`); a test reads the code, so that no alert is raised that is not here, and none
with another severity. After a change of the catalogue run \`vitest run test/unit/alerts/catalogue.test.ts --update\`.

## The way of an alert

\`\`\`
alert.raised, and events such as safe-mode.entered ─▶ bus ─▶ rule (no replays) ─▶ queue ─▶ alerts (Lambda) ─▶ channels
                                                                    │ 20 attempts      │  one row, control table
                                                                    ▼                  ▼ what no channel takes
                                                              evenkeel-<stage>-alerts-dlq
\`\`\`

What is taken in is written to one row of the control table before anything is sent, under the version that was read. The
row is coordination, not book: it has no audit row and is not backed up. A message is sent at least once: where a process
dies between the send and the note of it, the message is sent again after a minute, with the same id.

## Rules

| rule | |
|---|---|
| one alert | same kind, account and subject. It has an id, for example \`a17\`, until it is over |
| order | the queue keeps none. What counts is when a thing was said, by the clock of who said it (\`recordedAt\` of a streamer's event, else \`occurredAt\`): an end that is older than the newest raise ends nothing, and a raise that is not newer than its end opens nothing. Ends are remembered for two hours, 50 of them |
| witnesses | the streamer and the watchdog may both raise an alert, one by what the broker has and one by the book. It is over when each that raised it has said so. Other events, such as \`gateway.connected\`, end it for all |
| deduplication | raised again within \`alerts.dedupMinutes\` (10) of being told, it is counted; the count is told at the end of that time. What gets worse, and a CRITICAL that comes back after it was resolved, is told at once |
| rate | one message each \`rateMs\` (1,000) for each channel. What waits meanwhile goes out in one message of up to 10 alerts, the worst first |
| acknowledgement | \`evenkeel alerts ack a17 --reason "…"\`: with your AWS identity, proven as for the approval of a plan. Who was told is told who has it. An alert that something ends is not told again before its end. One that nothing ends (— in the last column below) is a thing that happened: when it comes again it is told, and escalates anew, once in the time of deduplication at most |
| escalation | a CRITICAL that nobody acknowledges is sent again after \`alerts.escalateMinutes\` (15), then after 30, 60, 120, and every 240 minutes, also to channels with \`receives: escalations\` |
| resolved | what ends an alert (last column below) is told to whoever was told of the alert |
| mute | inside \`resetWindows\`, and inside \`quietHours\` of a channel, what is below CRITICAL waits for the end. What came and went meanwhile is one line of counts. CRITICAL is never muted |
| least severity | \`minSeverity\` of a channel, \`info\` by default |
| forgotten | an hour after it was resolved or acknowledged; else INFO after 6 hours, MEDIUM after 24, HIGH after 72. CRITICAL waits for a person |
| bounds | 120 alerts are open at once; beyond that lesser ones are counted by kind in \`alert_bound_reached\`. Each CRITICAL that is counted there is told at once, whoever has acknowledged the ones before |

A channel that does not answer within 5 s, or answers 429 or 5xx, is tried again after 5 s, 10 s, and so on up to 5 minutes,
or after its \`Retry-After\` (an hour at most). After three failures in a row the other channels are told
(\`alert_channel_failing\`). A message that is refused five times for what it is (400, 413, 422), or that nobody takes for a
day, goes to the dead-letter queue as JSON; nothing is dropped. A message whose outcome nobody knows, because the process died
or could not write it down, has failed, too: it is sent again after a minute, and more seldom the oftener that happens. Each
channel goes its own way: one that is down holds up no other.

A table that fails is asked again up to seven times, for 8 to 16 seconds, while there is time left to send; only then
is the batch left to the queue, which brings it again after five minutes.

## Channels

\`\`\`yaml
alerts:
  emails: [desk@example.com]
  channels:
    - { type: sns, name: email, minSeverity: high }
    - { type: slack, name: desk-slack, quietHours: { timeZone: Europe/Stockholm, from: "22:00", to: "07:00" } }
    - { type: webhook, name: pager, receives: escalations }
\`\`\`

Without \`channels\` there is one: e-mail. All keys are in [configuration.md](configuration.md). Addresses and keys are never
in the configuration. They are in one secret of Secrets Manager, \`evenkeel-<stage>-alert-channels\`, by the name of the
channel, and in no log, event or error:

\`\`\`json
{
  "desk-slack": { "url": "https://hooks.slack.com/services/…" },
  "pager": { "url": "https://example.com/hook", "key": "a long random text" }
}
\`\`\`

\`\`\`
aws secretsmanager create-secret --name evenkeel-paper-alert-channels --secret-string file://channels.json
evenkeel alerts test desk-slack --stage paper
\`\`\`

A change of the secret is known within five minutes. In the sandbox the secret is an entry of \`secrets.json\` in its data
folder, read at its start; there, \`http://127.0.0.1\` is allowed. What goes by SNS is a line in \`cloud/sns/evenkeel-sandbox-alerts.ndjson\`.

| type | what is sent |
|---|---|
| \`sns\` | plain text to everybody in \`alerts.emails\` who has confirmed it |
| \`slack\` | Block Kit, for an incoming webhook |
| \`discord\` | embeds, for a webhook; it mentions nobody |
| \`webhook\` | JSON, signed |

A signed webhook has these headers:

| header | |
|---|---|
| \`${webhookHeaders.timestamp}\` | Unix seconds; refuse what is more than five minutes away |
| \`${webhookHeaders.signature}\` | \`v1=\` and, in hex, the HMAC-SHA256 of \`<timestamp>.<body>\` under the key |
| \`${webhookHeaders.delivery}\` | id of the message, the same when it is sent again |

Its body: \`version\` (1), \`id\`, \`stage\`, \`channel\`, \`sentAt\`, \`test\`, \`severity\` (the worst), \`alerts\` (each with \`id\`,
\`kind\`: \`raised\`, \`again\`, \`escalated\`, \`acknowledged\` or \`resolved\`; \`alert\`, \`severity\`, \`account\`, \`subject\`, \`message\`,
\`count\`, \`firstAt\`, \`lastAt\`, \`ackedBy\`, \`command\`) and \`passed\` (kinds and counts of what came and went while muted).

## Dead letters

\`evenkeel-<stage>-alerts-dlq\` holds events that could not be read (the event as the bus delivered it) and messages that a
channel did not take (attribute \`reason\` is \`ALERT_UNDELIVERED\`). Read them in the console of SQS; the alerts in them are
also in the log: \`evenkeel logs alerts --since 1d\`.

## Every alert

\`{account}\`, \`{subject}\` and \`{id}\` (the last word of the subject) are filled in. An alert of a name with no \`alert.raised\`
behind it is made of the event that its meaning names.

${tables}

## Discrepancies that no plan settles

An alert \`discrepancy_opened\` or \`discrepancy_escalated\` of one of these types has another advice and command:

${unstagedTable()}
`;
}
