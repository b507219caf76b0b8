// Talks to the service: every answer is JSON, every error a problem with a sentence that says what to do.

const TOKEN = "flowcatcher.token";

export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export function keepToken(token) {
  sessionStorage.setItem(TOKEN, token);
}

function headers() {
  const token = sessionStorage.getItem(TOKEN);
  return token ? { Authorization: `Bearer ${token}` } : {};
}

export async function get(path) {
  let response;
  try {
    response = await fetch(path, { headers: headers(), cache: "no-store" });
  } catch {
    throw new Problem(0, "The service does not answer.");
  }
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Problem(response.status, body?.detail ?? `The service answered ${response.status}.`);
  return body;
}

// Sends files as one job. `fetch` cannot tell how far an upload is, so this is the older interface.
export function upload(files, key, onProgress) {
  const form = new FormData();
  for (const file of files) form.append("file", file, file.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/api/upload_pcap");
    request.responseType = "json";
    for (const [name, value] of Object.entries({ ...headers(), "Idempotency-Key": key })) {
      request.setRequestHeader(name, value);
    }
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded, event.total));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve(request.response);
      else reject(new Problem(request.status, request.response?.detail ?? `The service answered ${request.status}.`));
    });
    request.addEventListener("error", () => reject(new Problem(0, "The connection ended during the upload. Try again.")));
    request.send(form);
  });
}
