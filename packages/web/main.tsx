import { render } from "preact";
import { App } from "./app.tsx";
import { startStream } from "./stream.ts";

const place = document.getElementById("app");
if (place !== null) {
  place.replaceChildren();
  render(<App />, place);
  startStream();
}
