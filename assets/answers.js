// The line that answers what people look for first. A click shows the GPU that an answer is about.
(() => {
  function paint({ answers }) {
    const line = document.querySelector(".answers");
    if (!line) return;
    line.hidden = !answers.length;
    [...line.children].forEach((button, at) => {
      const [words, device, state, title] = answers[at] ?? ["", "", "ok", ""];
      window.writing.put(button.querySelector(".answer-words"), words);
      if (button.title !== (title || words)) button.title = title || words;
      button.hidden = button.dataset.answer === "Faults" && !device; // told where there are some
      button.dataset.state = state;
      button.dataset.showGpu = device;
      button.disabled = !device;
    });
  }

  window.answers = { paint };
})();
