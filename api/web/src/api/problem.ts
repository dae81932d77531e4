// What can go wrong between the page and the server, as one kind of error: an RFC 9457 problem, or no answer at all.

/** `status` is 0 where the server did not answer. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';

  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly code: string | null = null,
    /** Of a 429 or 503: when to try again. */
    readonly retryAfterSeconds: number | null = null,
    /** Where in what was sent: a JSON Pointer, or the name of a parameter. */
    readonly at: string | null = null,
  ) {
    super(detail || title);
  }

  /** Signed out, or never signed in. */
  get unauthorized(): boolean {
    return this.status === 401;
  }

  /** Signed in, but not for this. */
  get forbidden(): boolean {
    return this.status === 403;
  }
}

/** Reads a refused answer. A body that is no problem document does not hide the status. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  let body: Record<string, unknown> = {};
  if (response.headers.get('content-type')?.includes('json')) {
    body = await response.json().catch(() => ({})) as Record<string, unknown>;
  }
  const text = (key: string) => (typeof body[key] === 'string' ? body[key] : '');
  return new ApiProblem(response.status, text('title') || response.statusText, text('detail'), text('code') || null,
    Number(response.headers.get('retry-after')) || null, text('at') || null);
}

/** Whatever was thrown, as a problem. */
export function asProblem(thrown: unknown): ApiProblem {
  if (thrown instanceof ApiProblem) return thrown;
  return new ApiProblem(0, '', thrown instanceof Error ? thrown.message : String(thrown));
}

/** Whether a request was given up on purpose. */
export function wasAborted(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === 'AbortError';
}
