// Claims in words for anybody: what each means. One that this page does not know is shown by its name.
import { m } from '../paraglide/messages.js';
import type { Claim } from './judge';

type Words = { title: () => string; means: () => string };

const CLAIMS: Record<string, Words> = {
  files: { title: m.claim_files, means: m.claim_files_means },
  manifest: { title: m.claim_manifest, means: m.claim_manifest_means },
  checkpoints: { title: m.claim_checkpoints, means: m.claim_checkpoints_means },
  tree: { title: m.claim_tree, means: m.claim_tree_means },
  records: { title: m.claim_records, means: m.claim_records_means },
  readable: { title: m.claim_readable, means: m.claim_readable_means },
  figures: { title: m.claim_figures, means: m.claim_figures_means },
  shown: { title: m.claim_shown, means: m.claim_shown_means },
  days: { title: m.claim_days, means: m.claim_days_means },
  'operator log': { title: m.claim_operator, means: m.claim_operator_means },
  witnesses: { title: m.claim_witnesses, means: m.claim_witnesses_means },
  time: { title: m.claim_time, means: m.claim_time_means },
  keys: { title: m.claim_keys, means: m.claim_keys_means },
  signer: { title: m.claim_signer, means: m.claim_signer_means },
};

export const title = ({ name }: Claim): string => CLAIMS[name]?.title() ?? name;
/** Empty for a claim that this page does not know. */
export const means = ({ name }: Claim): string => CLAIMS[name]?.means() ?? '';

const VERDICTS = { holds: m.verdict_holds, fails: m.verdict_fails, open: m.verdict_open };
export const verdict = ({ verdict }: Claim): string => VERDICTS[verdict]();
