import { Refusal } from '../command.ts';
import { readProgress, type Progress } from '../progress.ts';

/** What has been passed; when the file that says so is not understood, nothing is known of it, and `trouble` says why. */
export function recorded(): { progress: Progress; trouble?: string } {
  try {
    return { progress: readProgress() };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { progress: new Map(), trouble: error.message };
  }
}
