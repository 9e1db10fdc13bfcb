import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";

import { LayoutVideo } from "./LayoutVideo.jsx";

function App() {
  const [chosen, setChosen] = useState("Nobody");
  const [people, setPeople] = useState(0);
  return (
    <main>
      <LayoutVideo
        url={new URLSearchParams(location.search).get("url") ?? "/live.flv"}
        onSelect={setChosen}
        onLayout={(layout) => setPeople(layout?.panes.length ?? 0)}
      />
      <p role="status">{`${chosen} is chosen of ${people}.`}</p>
    </main>
  );
}

createRoot(document.getElementById("root")).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
