/** That something else is remembered by now: what shows it looks at these, and reads anew. */
class Remembered {
  /** Rises with every change of the profile. */
  ofPerson = $state(0);
  /** By conversation, rises with every change of its memory. */
  inConversation: Record<string, number> = $state({});

  /** `conversation` is null where it was the profile. */
  changed(conversation: string | null): void {
    if (conversation === null) this.ofPerson += 1;
    else this.inConversation[conversation] = (this.inConversation[conversation] ?? 0) + 1;
  }
}

export const remembered = new Remembered();
