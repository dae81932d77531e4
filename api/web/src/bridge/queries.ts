// What the page of bridges asks: of which tools there are numbers, and the bridge to one of them.
import type { Client } from '../api/client';
import { asProblem, wasAborted, type ApiProblem } from '../api/problem';
import type { AggregateLine, Bridge, BridgeStepName } from '../api/types';
import { scopeOf, type Numbers } from '../numbers/ask';
import { csvLine } from '../tables/table';
import type { ViewState } from '../view/state';

/** The metrics of ours that a bridge can begin at. */
export const BEGINNINGS = ['consent_rate', 'opt_in_rate', 'accept_all_rate', 'reject_all_rate', 'interaction_rate'] as const;
export type Beginning = (typeof BEGINNINGS)[number];

/** What the address chooses beside the view. */
export interface Choice {
  /** `shop.example/didomi`; null: the first that there is. */
  tool: string | null;
  metric: Beginning;
}

export function choiceOf(own: (key: string) => string | null): Choice {
  const metric = own('metric');
  return { tool: own('tool'), metric: BEGINNINGS.find((known) => known === metric) ?? 'consent_rate' };
}

export type BridgeData = Numbers<never> & {
  /** Of the view's sites. */
  tools: AggregateLine[];
  tool: AggregateLine | null;
  bridge: Bridge | null;
  /** Why there is no bridge to the tool's number on these days. */
  refused: ApiProblem | null;
};

export const toolKey = ({ site, source }: { site: string; source: string }): string => `${site}/${source}`;

export async function loadBridge(
  client: Client, view: ViewState, timezone: string, choice: Choice, now: Date, signal: AbortSignal,
): Promise<BridgeData> {
  const scope = scopeOf(view, timezone, now);
  const all = await client.aggregates(signal);
  const tools = all.filter(({ site }) => view.sites.length === 0 || view.sites.includes(site));
  const tool = tools.find((one) => toolKey(one) === choice.tool) ?? tools[0] ?? null;
  const nothing = { scope, regimes: [], rows: {}, suppressed: 0, tools, tool, freshness: null, bridge: null, refused: null };
  if (!tool) return nothing;
  try {
    const bridge = await client.bridge({
      site: tool.site, source: tool.source, date_range: scope.range.join(','), timezone: scope.timezone,
      metric: choice.metric, bots: view.withoutBots ? 'no' : 'yes', regime: scope.regime,
    }, signal);
    return { ...nothing, bridge, freshness: bridge.freshness ? new Date(bridge.freshness) : null };
  } catch (thrown) {
    const problem = asProblem(thrown);
    if (wasAborted(thrown) || problem.status !== 422) throw thrown;
    return { ...nothing, refused: problem };
  }
}

/** A row of the chart: where its bar begins and ends, 0 to 1; null where there is none. */
export interface Bar {
  step: BridgeStepName | 'ours' | 'theirs';
  from: number | null;
  to: number | null;
  moved: number | null;
}

/** Ours, each step from where the one before ended, theirs. */
export function bars({ ours, theirs, steps }: Bridge): Bar[] {
  let before = ours.rate;
  const between = steps.map(({ step, after, moved }): Bar => {
    const from = after === null ? null : before;
    before = after ?? before;
    return { step, from, to: after, moved };
  });
  const whole = (step: 'ours' | 'theirs', rate: number | null): Bar => ({ step, from: rate === null ? null : 0, to: rate, moved: null });
  return [whole('ours', ours.rate), ...between, whole('theirs', theirs.rate)];
}

/** Rates as fractions in full precision; nothing where a number is withheld or there is none. */
export function bridgeCsv({ ours, theirs, steps }: Bridge): string {
  const lines = [
    ['step', 'after', 'moved', 'numerator', 'denominator', 'low', 'high', 'repeats', 'withheld'],
    ['ours', ours.rate, null, ours.numerator, ours.denominator, ours.low, ours.high, null, null],
    ...steps.map((one) => [one.step, one.after, one.moved, one.numerator, one.denominator, one.low, one.high, one.repeats, one.withheld ? 'withheld' : null]),
    ['theirs', theirs.rate, null, theirs.numerator, theirs.denominator, null, null, null, null],
  ];
  return lines.map((line) => csvLine(line.map((field) => field ?? ''))).join('');
}
