/** The type under which a conversation's id is dragged. */
export const DRAGGED = "text/x-danas-conversation";
