/** Uploading with progress, which `fetch` does not tell. */

import { t } from "../ui/messages";
import { ApiError, csrfToken, failureOf, signedOut } from "./http";

/** `told` hears the share that is there, from 0 to 1. Aborting `signal` ends it. */
export function upload<T>(
  path: string,
  file: File,
  told: (share: number) => void,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = ({ loaded, total }) => told(total > 0 ? loaded / total : 0);
    request.onload = () => {
      if (request.status < 300) resolve(JSON.parse(request.responseText) as T);
      else {
        const error = failureOf(request.status, request.responseText);
        if (error.isSignedOut) signedOut();
        reject(error);
      }
    };
    request.onerror = () => reject(new ApiError(t.errors.unreachable, 0, "unreachable"));
    signal.addEventListener("abort", () => request.abort());
    const form = new FormData();
    form.append("file", file);
    request.send(form);
  });
}
