/** The words of coming in: signing in, links that were sent to somebody, the first steps. */

import { words } from "../ui/language";
import { t as others } from "../ui/messages";

const en = {
  code: "Code",
  codeHint: "The six digits that your authenticator app shows, or a recovery code.",
  codeTitle: "One more step",
  codeLead: "Show that it is you.",
  back: "Back",
  elsewhere: (name: string) => `Sign in with ${name}`,
  or: "or",
  byInvitation: "You need an invitation to make an account here.",
  forgot: "Forgot your password?",
  forgotTitle: "A new password",
  forgotLead: "Danas sends a link to the address that you have confirmed in Settings.",
  forgotName: "Name or e-mail address",
  forgotSend: "Send the link",
  forgotSent: "If there is such an account with a confirmed address, a link is on its way.",
  forgotNoMail: "Forgot your password? Ask an administrator for a link to a new one.",
  sso: {
    failed: "The other site did not say who you are. Try again.",
    unreachable: "The other site does not answer. Try again in a moment.",
    signup_closed: "You have no account here yet. Ask an administrator for an invitation.",
    invitation_invalid: "This invitation was used, was taken back or has expired.",
  } as Record<string, string>,

  link: {
    inviteTitle: "You are invited",
    invite: (role: string) => `Make your account. Your role here: ${role}.`,
    resetTitle: "Choose a new password",
    reset: "You are signed out everywhere, and sign in with it again.",
    resetDone: "Your password is changed. Sign in with it.",
    resetSubmit: "Change the password",
    newPassword: "New password",
    confirmTitle: "Your e-mail address",
    confirmed: "Your address is confirmed. A link to a new password can now be sent to it.",
    toSignIn: "To sign in",
    toDanas: "To Danas",
    signedIn: (name: string) =>
      `You are signed in as ${name}. Sign out first if the invitation is for somebody else.`,
  },

  first: {
    title: "Make this Danas yours",
    lead: "You are its first administrator. The printed password has done its work: choose a name and a password of your own.",
    signup: "Who may make an account?",
    modes: {
      closed: "Nobody: I make the accounts",
      invitation: "Whoever I invite",
      open: "Everybody who opens the page",
    },
    later: "You can change this on the page People at any time.",
    submit: "Begin",
  },
};

export type ComingInMessages = typeof en;

const fil: ComingInMessages = {
  code: "Code",
  codeHint: "Ang anim na numerong ipinapakita ng authenticator app mo, o isang recovery code.",
  codeTitle: "Isang hakbang pa",
  codeLead: "Ipakita mong ikaw nga ito.",
  back: "Bumalik",
  elsewhere: (name: string) => `Mag-sign in gamit ang ${name}`,
  or: "o",
  byInvitation: "Kailangan mo ng imbitasyon para makagawa ng account dito.",
  forgot: "Nakalimutan ang password?",
  forgotTitle: "Bagong password",
  forgotLead: "Magpapadala ang Danas ng link sa address na kinumpirma mo sa Mga Setting.",
  forgotName: "Pangalan o e-mail address",
  forgotSend: "Ipadala ang link",
  forgotSent: "Kung may ganoong account na may kumpirmadong address, papunta na ang link.",
  forgotNoMail: "Nakalimutan ang password? Humingi sa administrator ng link para sa bago.",
  sso: {
    failed: "Hindi sinabi ng kabilang site kung sino ka. Subukan ulit.",
    unreachable: "Hindi sumasagot ang kabilang site. Subukan ulit mamaya.",
    signup_closed: "Wala ka pang account dito. Humingi ng imbitasyon sa administrator.",
    invitation_invalid: "Nagamit na, binawi o lipas na ang imbitasyong ito.",
  },

  link: {
    inviteTitle: "Inaanyayahan ka",
    invite: (role: string) => `Gumawa ng account mo. Ang papel mo rito: ${role}.`,
    resetTitle: "Pumili ng bagong password",
    reset: "Masa-sign out ka sa lahat ng lugar, at ito na ang gagamitin mo.",
    resetDone: "Napalitan na ang password mo. Gamitin ito sa pag-sign in.",
    resetSubmit: "Palitan ang password",
    newPassword: "Bagong password",
    confirmTitle: "Ang e-mail address mo",
    confirmed: "Kumpirmado na ang address mo. Puwede nang padalhan ito ng link sa bagong password.",
    toSignIn: "Mag-sign in",
    toDanas: "Pumunta sa Danas",
    signedIn: (name: string) =>
      `Naka-sign in ka bilang ${name}. Mag-sign out muna kung para sa iba ang imbitasyon.`,
  },

  first: {
    title: "Gawin mong iyo ang Danas na ito",
    lead: "Ikaw ang unang administrator nito. Tapos na ang silbi ng nakalimbag na password: pumili ng sarili mong pangalan at password.",
    signup: "Sino ang puwedeng gumawa ng account?",
    modes: {
      closed: "Wala: ako ang gagawa ng mga account",
      invitation: "Ang mga inaanyayahan ko",
      open: "Lahat ng magbubukas ng pahina",
    },
    later: "Mababago mo ito sa pahinang Mga Tao kahit kailan.",
    submit: "Magsimula",
  },
};

export const t = { ...others, enter: words<ComingInMessages>({ en, fil }) };
