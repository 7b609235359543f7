// The servers of a run and the requests to them: what they say of themselves explains more than what a client sees of them.
import { crashed, explainEnd, explainError } from '../programs/crash-report.ts';
import type { Program } from '../programs/program.ts';
import type { Ask, Exchange } from '../wire/exchange.ts';
import { Failure, type Explanation } from './failure.ts';

/** A request that a requirement can see go wrong. */
type Request = {
  sent: Exchange;
  program: Program;
  /** How much its server had printed on standard error before. */
  printed: number;
  ifItThrows: Partial<Explanation>;
};

export type Servers = ReturnType<typeof openServers>;

export function openServers() {
  const programs = new Set<Program>();
  let requests: Request[] = [];
  /** What the last request whose work the grader let fail says about a server that dies of it. */
  let onPurpose: string | undefined;

  const flood = (): Failure | undefined => {
    const tooMuch = requests.find(({ sent }) => sent.tooMuch)?.sent.tooMuch;
    return tooMuch && new Failure(tooMuch);
  };

  return {
    add: (program: Program) => void programs.add(program),
    /** It may end from now on. */
    remove: (program: Program) => void programs.delete(program),
    addRequest(sent: Exchange, program: Program, { failsOnPurpose, ifItThrows = {} }: Ask): void {
      if (failsOnPurpose) onPurpose = ifItThrows.advice;
      else requests.push({ sent, program, printed: program.stderr.length, ifItThrows });
    },
    /** Keeps running exchanges, because they may still break. Those that have are about an earlier requirement. */
    forgetFailed(): void {
      requests = requests.filter(({ sent }) => !wentWrong(sent));
    },

    /**
     * Why nothing more will come: a server has ended, or sends without an end.
     * @throws MachineFault when the machine has ended the server
     */
    failure(): Failure | undefined {
      const gone = [...programs].find((program) => program.end ?? program.verdict);
      return gone ? new Failure(explainEnd(gone, 'while it was answering')) : flood();
    },

    /** Asks each server for what explains a failure: that it sends without an end, that it has ended, or that it threw. */
    async ownCause(): Promise<Failure | undefined> {
      const tooMuch = flood();
      if (tooMuch) return tooMuch;
      for (const program of programs) {
        if (!program.end && !program.verdict && (await program.caughtUp(1000))) continue;
        if (!(program.end ?? program.verdict)) continue;
        const request = requests.find((each) => each.program === program && wentWrong(each.sent));
        const explanation = explainEnd(program, 'while it was answering');
        if (!crashed(program)) return new Failure(explanation);
        // Where the crash has come after its response had ended, the last request still says where to look.
        const latest = requests.findLast((each) => each.program === program);
        const advice = explanation.advice ?? latest?.ifItThrows.advice ?? onPurpose;
        return new Failure({ ...explanation, ...(advice && { advice }), ...request?.ifItThrows });
      }
      for (const { sent, program, printed, ifItThrows } of requests) {
        if (!wentWrong(sent)) continue;
        const explanation = explainError(program, printed, `while it was answering ${sent.name}`);
        if (explanation) return new Failure({ ...explanation, ...ifItThrows });
      }
      return undefined;
    },
  };
}

const wentWrong = (sent: Exchange) => sent.broken !== undefined || (sent.status ?? 0) >= 500;
