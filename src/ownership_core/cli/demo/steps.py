"""The story of the demo: what is told, what is asked, and what to see in the answer."""

from __future__ import annotations

from attrs import frozen


@frozen
class Step:
    """One thing that is told or asked. ``code`` is the exit code the command ends with."""

    heading: str = ""
    text: str = ""
    command: str = ""
    after: str = ""
    code: int = 0


STORY: tuple[Step, ...] = (
    Step(
        "Who owns which customer?",
        """Lantern & Leaf is a made-up shop with two websites: lamps on 'lantern', tea on 'leaf'. Its people look
        after customers, and everybody should see their own customers, not everybody's. This is that shop at
        work. Each line that begins with $ is a command you can type yourself; below it stands its real answer.""",
    ),
    Step(
        "1. Set up the shop",
        "Ada is the first admin. She brings in what the shop has in four CSV files.",
        'db init --admin ada --label "Ada Lind"',
    ),
    Step(command="departments import departments.csv --as ada"),
    Step(command="staff import staff.csv --as ada"),
    Step(command="customers import customers.csv --as ada"),
    Step(
        command="assignments import assignments.csv --as ada",
        after="The last file says who owns whom. Fifteen customers are not in it: nobody owns them yet.",
    ),
    Step(
        "2. Two people, one question, two answers",
        "Maria sells to private customers. She asks for her list.",
        "list --as maria --limit 4",
    ),
    Step(
        text="Tomas leads the wholesale department, and asks the same.",
        command="list --as tomas --limit 4",
        after="""Maria sees what she owns. Tomas sees what his whole department owns. The list, the count, the export
        and every single check come from one and the same rule, so they never disagree.""",
    ),
    Step(command="list --as maria --count"),
    Step(command="list --as tomas --count"),
    Step(
        "3. Why?",
        "Maria says: 'I cannot find customer c005.' Support asks the shop itself.",
        "why c005 --staff maria --as ada",
        "A sentence for each condition, to be read aloud. So who may see this customer?",
    ),
    Step(command="who-can view c005 --as ada"),
    Step(
        "4. Look before you move",
        """Maria goes on leave. Her customers in Hamburg are to go to Jon. What would happen? A plan changes
        nothing.""",
        "assign --where staff=maria --where cities=Hamburg --staff jon --reason leave --plan -o handover.plan --as ada",
        """Jon serves the tea website only, so the customers of the lamp website are refused, each with its reason.
        Nobody has to find that out afterwards.""",
    ),
    Step(
        "5. Do it",
        "The plan is a file. Applying it decides everything again, so whatever changed meanwhile is left alone.",
        "apply handover.plan --as ada",
    ),
    Step(
        text="From the very next question on, Maria no longer sees a customer that moved, and Jon does.",
        command="list --where id=c010 --as maria",
    ),
    Step(command="list --where id=c010 --as jon"),
    Step(
        "6. Nothing is forgotten",
        "Who had this customer, since when, who moved it, and why?",
        "history c010 --as ada",
    ),
    Step(
        "7. Customers of nobody",
        "Some customers belong to nobody. Whoever serves their website may take one.",
        "list --action claim --where unassigned --limit 3 --as jon",
    ),
    Step(command="claim c016 --as jon"),
    Step(
        text="Amara is a moment late, and it is no longer there for her to take.",
        command="claim c016 --as amara",
        after="What somebody may not see answers exactly like what does not exist.",
        code=1,
    ),
    Step(
        "8. Is all well?",
        "The doctor finds what needs a hand.",
        "doctor",
    ),
)
