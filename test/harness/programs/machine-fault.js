/** Something that this machine refuses, which says nothing about a learner's programs: printed as it is, with exit code 3. */
export class MachineFault extends Error {}
